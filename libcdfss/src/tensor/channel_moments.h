// Mean and variance of each channel over an image's pixels.
#pragma once

#include <ATen/core/Tensor.h>

namespace cdfss {

struct ChannelMoments {
  at::Tensor mean;      // [B, C]
  at::Tensor variance;  // [B, C], biased
};

// Of features [B, C, H, W] with at least one pixel, without gradient; float32 for half-precision
// features, else of their dtype. The same bits for any number of threads. On the CPU, channels-last
// float32 and bfloat16 take two passes over memory.
ChannelMoments channel_moments(const at::Tensor& features);

}  // namespace cdfss
