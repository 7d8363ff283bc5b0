// The style of an image's features: their channel statistics, and features given another style
// (paper 4.1-4.2, Eq. 1-2; SPEC B2).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace cdfss {

// Channel statistics of each instance, Eq. 1. v is a standard deviation: sqrt(var + 1e-6), biased.
struct Style {
  at::Tensor mean;  // [B, C]
  at::Tensor std;   // [B, C]
};

// Statistics of features [B, C, H, W], without gradient (B8); float32 for half-precision features.
// Throws Error(kInvalidValue) unless `features` is 4-D with at least one pixel.
Style style_of(const at::Tensor& features);

// Eq. 2: features [B, C, H, W] whose style is `own`, normalised and given the style `target`.
// Gradient flows through `features` as if the styles were constants.
at::Tensor restyle(const at::Tensor& features, const Style& own, const Style& target);

// `count` draws from Beta(0.1, 0.1), MixStyle's mixing weights: [count, 1], from the default
// generator.
at::Tensor beta_draw(std::int64_t count, const at::TensorOptions& options);

}  // namespace cdfss
