// What a residual block computes with once BatchNorm is folded into its convolutions.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "tensor/fused_convolution.h"

namespace cdfss {

struct FoldedConvolution {
  at::Tensor weight, bias;  // float [out, in, k, k], and [out] or undefined
  ConvolutionGeometry geometry;

  FusedConvolution fused(at::ScalarType dtype) const { return {weight, bias, dtype, geometry}; }
};

// relu(shortcut + conv3(relu(conv2(relu(conv1(x)))))), where the shortcut is downsample(x) or x.
struct FoldedBottleneck {
  FoldedConvolution conv1, conv2, conv3;
  std::optional<FoldedConvolution> downsample;
};

}  // namespace cdfss
