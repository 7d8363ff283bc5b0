// A convolution of bytes for inference: weights rounded to 8 bits for each output channel,
// activations to 8 bits with one scale a tensor, sums in 32 bits, bias and ReLU in float.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "tensor/activation_ranges.h"
#include "tensor/fused_convolution.h"

namespace cdfss {

class QuantisedConvolution {
 public:
  // Whether this LibTorch and this CPU can do it. No object may be made where not.
  static bool available();

  // weight float [out, in, k, k], bias float [out] or undefined; neither is changed. `place` is
  // that of the result's range; a convolution whose results are floats only needs none.
  static constexpr int kNoPlace = -1;
  QuantisedConvolution(const at::Tensor& weight, const at::Tensor& bias,
                       ConvolutionGeometry geometry = {}, int place = kNoPlace);

  // conv(x), or relu(conv(x)): [B, in, H, W] -> [B, out, H', W'], channels-last. Any thread, as the
  // ranges allow it.
  QuantisedTensor apply(const QuantisedTensor& x, bool relu, ActivationRanges& ranges) const;
  // The same as floats or bfloat16.
  at::Tensor apply(const QuantisedTensor& x, bool relu, at::ScalarType dtype) const;
  // relu(sum + conv(x)); `sum`, [B, out, H', W'], may be written to.
  QuantisedTensor add_to(const QuantisedTensor& sum, const QuantisedTensor& x,
                         ActivationRanges& ranges) const;
  // sum + conv(x), float or bfloat16 as `sum` is, which may be written to.
  at::Tensor add_to(const at::Tensor& sum, const QuantisedTensor& x, bool relu) const;

 private:
  at::Tensor convolve(const QuantisedTensor& x, bool relu, ByteScale to,
                      at::ScalarType dtype) const;
  at::Tensor convolve_and_add(const at::Tensor& sum, ByteScale of_sum, const QuantisedTensor& x,
                              bool relu, ByteScale to) const;

  std::shared_ptr<PackedWeight> packed_;
  at::Tensor weight_scales_, weight_zeros_;  // float and int32 [out]
  at::Tensor bias_;
  ConvolutionGeometry geometry_;
  int place_;
};

}  // namespace cdfss
