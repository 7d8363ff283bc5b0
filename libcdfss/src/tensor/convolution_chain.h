// Convolutions, each followed by a ReLU, from floats to floats; in 8 bits between if asked to.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "tensor/fused_convolution.h"
#include "tensor/quantised_convolution.h"

namespace cdfss {

class ConvolutionChain {
 public:
  // weights float [C, C, k, k], k odd, padded so that sizes stay; results are of `dtype`. With
  // `places`, the convolutions are in 8 bits, and number their places from there on.
  // Images are said to be of `few_pixels` (ConvolutionGeometry::direct).
  ConvolutionChain(const std::vector<at::Tensor>& weights, at::ScalarType dtype, int* places,
                   bool few_pixels = false);

  // [B, C, H, W] -> [B, C, H, W], channels-last if x is. `ranges` is read in 8 bits only. Any
  // thread.
  at::Tensor apply(const at::Tensor& x, ActivationRanges* ranges) const;

 private:
  std::vector<FusedConvolution> fused_;
  std::vector<QuantisedConvolution> quantised_;  // in use if there are any
  int entry_ = QuantisedConvolution::kNoPlace;   // place of the first one's input
  at::ScalarType dtype_;
};

}  // namespace cdfss
