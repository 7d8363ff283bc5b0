#include "tensor/convolution_chain.h"

#include <ATen/ATen.h>

namespace cdfss {

ConvolutionChain::ConvolutionChain(const std::vector<at::Tensor>& weights, at::ScalarType dtype,
                                   int* places, bool few_pixels)
    : dtype_(dtype) {
  if (places != nullptr) entry_ = (*places)++;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const ConvolutionGeometry geometry{.padding = static_cast<int>(weights[i].size(2)) / 2,
                                       .direct = few_pixels};
    if (places == nullptr) {
      fused_.emplace_back(weights[i], at::Tensor(), dtype, geometry);
    } else {
      const bool last = i + 1 == weights.size();
      quantised_.emplace_back(weights[i], at::Tensor(), geometry,
                              last ? QuantisedConvolution::kNoPlace : (*places)++);
    }
  }
}

at::Tensor ConvolutionChain::apply(const at::Tensor& x, ActivationRanges* ranges) const {
  if (quantised_.empty()) {
    at::Tensor y = x;
    for (const FusedConvolution& convolution : fused_) y = convolution.apply(y, true);
    return y;
  }
  QuantisedTensor y = quantise(x, *ranges, entry_);
  for (std::size_t i = 0; i + 1 < quantised_.size(); ++i) y = quantised_[i].apply(y, true, *ranges);
  return quantised_.back().apply(y, true, dtype_);
}

}  // namespace cdfss
