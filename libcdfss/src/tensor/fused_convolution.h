// A convolution for inference whose bias, sum and ReLU cost no further pass over memory where
// LibTorch's oneDNN fuses them (on the CPU); elsewhere the same as separate operations.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "tensor/packed_weight.h"

namespace cdfss {

class PointwiseConvolution;
class TiledConvolution;

struct ConvolutionGeometry {
  int stride = 1, padding = 0, dilation = 1;
  int groups = 1;  // of channels, each convolved by itself
  // Always as the direct sum, never by tiles (TiledConvolution): better for images of few pixels.
  bool direct = false;
};

class FusedConvolution {
 public:
  // weight [out, in / groups, k, k], bias [out] or undefined, of any float dtype; computes in
  // `dtype`. Neither is changed; no gradient flows into them.
  FusedConvolution(const at::Tensor& weight, const at::Tensor& bias, at::ScalarType dtype,
                   ConvolutionGeometry geometry = {});

  // conv(x), or relu(conv(x)): [B, in, H, W], converted to `dtype` if need be -> [B, out, H', W'],
  // channels-last if x is. Any thread.
  at::Tensor apply(const at::Tensor& x, bool relu) const;
  // The same where `mask`, bool [B, H', W'] on the CPU, says so; elsewhere values are arbitrary.
  at::Tensor apply_in(const at::Tensor& mask, const at::Tensor& x, bool relu) const;
  // sum + conv(x), or relu of that, written into `sum` [B, out, H', W'], channels-last, and
  // returned.
  at::Tensor add_to(at::Tensor sum, const at::Tensor& x, bool relu) const;

 private:
  at::ScalarType dtype_;
  at::Tensor weight_;  // undefined if there is one of those below
  at::Tensor bias_;
  ConvolutionGeometry geometry_;
  std::shared_ptr<PackedWeight> packed_;                   // where oneDNN computes the direct sum
  std::shared_ptr<const TiledConvolution> tiled_;          // where the sum is by tiles
  std::shared_ptr<const PointwiseConvolution> pointwise_;  // where it is a matrix product
};

}  // namespace cdfss
