// A convolution for inference whose bias, sum and ReLU cost no further pass over memory where
// LibTorch's oneDNN fuses them (on the CPU); elsewhere the same as separate operations.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "tensor/packed_weight.h"

namespace cdfss {

struct ConvolutionGeometry {
  int stride = 1, padding = 0, dilation = 1;
};

class FusedConvolution {
 public:
  // weight [out, in, k, k], bias [out] of the same dtype or undefined. Neither is changed; no
  // gradient flows into them.
  FusedConvolution(const at::Tensor& weight, const at::Tensor& bias,
                   ConvolutionGeometry geometry = {});

  // conv(x), or relu(conv(x)): [B, in, H, W], converted to the weight's dtype if need be ->
  // [B, out, H', W'], channels-last if x is. Any thread.
  at::Tensor apply(const at::Tensor& x, bool relu) const;
  // sum + conv(x), or relu of that, written into `sum` [B, out, H', W'], channels-last, and
  // returned.
  at::Tensor add_to(at::Tensor sum, const at::Tensor& x, bool relu) const;

 private:
  at::ScalarType dtype_;
  at::Tensor weight_;  // undefined where oneDNN is used
  at::Tensor bias_;
  ConvolutionGeometry geometry_;
  std::shared_ptr<PackedWeight> packed_;  // null where oneDNN is not used
};

}  // namespace cdfss
