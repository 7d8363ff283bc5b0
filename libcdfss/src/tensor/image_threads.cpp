#include "tensor/image_threads.h"

#include <ATen/ThreadLocalState.h>
#include <omp.h>

#include <atomic>

#include "tensor/parallel.h"

namespace cdfss {
namespace {

// Of the threads' time, at least: below, operators in all threads are faster.
constexpr double kLeastUse = 0.8;

}  // namespace

bool fill_threads(std::int64_t images) {
  const std::int64_t threads = at::get_num_threads();
  if (threads < 2 || images < threads || at::in_parallel_region()) return false;
  const std::int64_t rounds = (images + threads - 1) / threads;
  return static_cast<double>(images) >= kLeastUse * static_cast<double>(rounds * threads);
}

std::int64_t even_parts(std::int64_t images) {
  const std::int64_t threads = at::get_num_threads();
  return fill_threads(images) && images % threads == 0 ? threads : 1;
}

void for_images(std::int64_t images, const std::function<void(std::int64_t)>& work) {
  const at::ThreadLocalState state;
  std::atomic<std::int64_t> next = 0;
  at::parallel_for(0, at::get_num_threads(), 1, [&](std::int64_t, std::int64_t) {
    const at::ThreadLocalStateGuard guard(state);
    // A thread's first parallel_for(), and the first in LibTorch's own code, would else set its
    // number of threads, and undo what follows.
    at::internal::lazy_init_num_threads();
    at::get_num_threads();
    // Only of this region. oneDNN would else split its work for all threads, and wait for them.
    omp_set_num_threads(1);
    for (std::int64_t image = next++; image < images; image = next++) work(image);
  });
}

}  // namespace cdfss
