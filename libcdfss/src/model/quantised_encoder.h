// The deep half of the backbone and the feature reduction in 8 bits. The shallow stages are left to
// floats: they are less than a tenth of the work, and rounding layer1 costs masks as much as
// rounding all that follows it.
#pragma once

#include <optional>
#include <vector>

#include "model/resnet.h"
#include "tensor/quantised_convolution.h"

namespace cdfss {

class QuantisedEncoder {
 public:
  static constexpr int kFirstStage = 2;  // of the backbone that is in 8 bits; the last one is 3

  // Takes layer2 and layer3 away from `backbone`. `reduction` are the reduction's columns for
  // layer3 and layer2, of `dtype`'s results. Numbers its places from `places` on, and adds their
  // count.
  QuantisedEncoder(ResNet backbone, const FoldedConvolution& reduce_layer3,
                   const FoldedConvolution& reduce_layer2, at::ScalarType dtype, int& places);

  // What stage `index`, 2 or 3, is given: [B, C, H, W], floats. For 4, what the reduction is given.
  QuantisedTensor enter(int index, const at::Tensor& x, ActivationRanges& ranges) const;
  // Runs stage `index` on what enter() or the stage before returned.
  QuantisedTensor stage(int index, QuantisedTensor x, ActivationRanges& ranges) const;
  // [B, 1024, h, h] and [B, 512, h, h] -> [B, 256, h, h] of the constructor's type.
  at::Tensor reduce(const QuantisedTensor& layer3, const QuantisedTensor& layer2) const;

 private:
  struct Block {
    QuantisedConvolution conv1, conv2, conv3;
    std::optional<QuantisedConvolution> downsample;
  };
  struct Stage {
    int entry;  // place of what enter() makes
    std::vector<Block> blocks;
  };

  std::vector<Stage> stages_;
  int reduction_entry_;
  QuantisedConvolution reduce_layer3_, reduce_layer2_;
  at::ScalarType dtype_;
};

}  // namespace cdfss
