// A batch's images in LibTorch's threads, one in each at a time. An operator that is itself spread
// over the threads waits at its end for the slowest of them; images wait for each other but once.
#pragma once

#include <cstdint>
#include <functional>

namespace cdfss {

// Whether so many images keep all threads busy. Never within such a thread.
bool fill_threads(std::int64_t images);

// How many equal parts of so many images keep all threads busy: their number, or 1, the whole,
// where it does not divide the images.
std::int64_t even_parts(std::int64_t images);

// work(i) for each image i, in any order. The operators that it calls run in one thread, with the
// thread-local state of LibTorch (gradients, autocast) that the caller has. Throws what one of them
// threw.
void for_images(std::int64_t images, const std::function<void(std::int64_t)>& work);

}  // namespace cdfss
