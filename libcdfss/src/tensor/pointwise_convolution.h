// A 1 x 1 convolution for inference as one matrix product (matrix_product.h).
#pragma once

#include <ATen/core/Tensor.h>

#include "tensor/fused_convolution.h"

namespace cdfss {

class PointwiseConvolution {
 public:
  // Whether a convolution on the CPU is faster this way than oneDNN's; the constructor takes no
  // other.
  static bool is_faster(const at::Tensor& weight, at::ScalarType dtype,
                        const ConvolutionGeometry& geometry);

  // weight of any float dtype [K, C, 1, 1]; bias of any float dtype [K], or undefined.
  PointwiseConvolution(const at::Tensor& weight, const at::Tensor& bias, int stride);

  // conv(x), or relu(conv(x)): x float [B, C, H, W] -> [B, K, H', W'], channels-last. Any thread.
  at::Tensor apply(const at::Tensor& x, bool relu) const;
  // sum + conv(x), or relu of that, written into `sum` float [B, K, H', W'], channels-last.
  void add_to(const at::Tensor& sum, const at::Tensor& x, bool relu) const;

 private:
  void multiply_into(const at::Tensor& result, const at::Tensor& x, bool add, bool relu) const;

  std::int64_t in_, out_;
  int stride_;
  at::Tensor panels_, bias_;  // float; bias undefined if there is none
};

}  // namespace cdfss
