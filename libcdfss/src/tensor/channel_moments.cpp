// LibTorch sums channels-last pixels in one pass, subtracts the mean into a copy in another and
// needs two more for the squares, with a conversion of bfloat16 before each. Here a task sums a
// span of pixels, in single precision over few of them and in double precision over those sums.
#include "tensor/channel_moments.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <vector>

#include "tensor/parallel.h"

namespace cdfss {
namespace {

constexpr std::int64_t kSpan = 512;  // pixels a task
constexpr std::int64_t kRun = 32;    // pixels added up in single precision

// Adds x - centre, or its square, of each channel over `count` pixels to `total` [C].
template <bool kSquare, typename T>
void add_span(const T* pixels, std::int64_t count, std::int64_t channels, const float* centre,
              float* run, double* total) {
  for (std::int64_t first = 0; first < count; first += kRun) {
    std::fill_n(run, channels, 0.0F);
    for (std::int64_t p = first; p < std::min(first + kRun, count); ++p) {
      const T* pixel = pixels + p * channels;
      for (std::int64_t c = 0; c < channels; ++c) {
        const float value = static_cast<float>(pixel[c]) - centre[c];
        run[c] += kSquare ? value * value : value;
      }
    }
    for (std::int64_t c = 0; c < channels; ++c) total[c] += run[c];
  }
}

// The mean over the pixels of x - centre, or of its square: float [B, C]; `centre` is that, too.
template <bool kSquare, typename T>
at::Tensor mean_over_pixels(const at::Tensor& features, const at::Tensor& centre) {
  const std::int64_t images = features.size(0), channels = features.size(1);
  const std::int64_t pixels = features.size(2) * features.size(3);
  const std::int64_t spans = (pixels + kSpan - 1) / kSpan;
  at::Tensor totals = at::zeros({images, spans, channels}, at::kDouble);
  const T* data = features.const_data_ptr<T>();
  const float* centres = centre.const_data_ptr<float>();
  double* total = totals.mutable_data_ptr<double>();
  at::parallel_for(0, images * spans, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> run(channels);
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t image = task / spans, first = task % spans * kSpan;
      add_span<kSquare>(data + (image * pixels + first) * channels, std::min(kSpan, pixels - first),
                        channels, centres + image * channels, run.data(), total + task * channels);
    }
  });
  return totals.sum(1).div_(static_cast<double>(pixels)).to(at::kFloat);
}

template <typename T>
ChannelMoments moments_on_cpu(const at::Tensor& features) {
  const at::Tensor zeros = at::zeros({features.size(0), features.size(1)}, at::kFloat);
  const at::Tensor mean = mean_over_pixels<false, T>(features, zeros);
  return {mean, mean_over_pixels<true, T>(features, mean)};
}

}  // namespace

ChannelMoments channel_moments(const at::Tensor& features) {
  const at::NoGradGuard no_grad;
  const at::ScalarType dtype = features.scalar_type();
  if (features.is_cpu() && features.is_contiguous(at::MemoryFormat::ChannelsLast)) {
    if (dtype == at::kFloat) return moments_on_cpu<float>(features);
    if (dtype == at::kBFloat16) return moments_on_cpu<c10::BFloat16>(features);
  }
  const bool half = features.is_floating_point() && features.element_size() < 4;
  const at::Tensor mean = features.mean({2, 3}, /*keepdim=*/true, half ? at::kFloat : dtype);
  // In two passes: at::var_mean takes ten times as long on a CPU.
  return {mean.flatten(1), (features - mean).square_().mean({2, 3})};
}

}  // namespace cdfss
