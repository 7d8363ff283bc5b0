#include "model/quantised_encoder.h"

#include <utility>

namespace cdfss {
namespace {

constexpr int kLastStage = 3;

QuantisedConvolution quantised(const FoldedConvolution& folded, int place) {
  return {folded.weight, folded.bias, folded.geometry, place};
}

}  // namespace

QuantisedEncoder::QuantisedEncoder(ResNet backbone, const FoldedConvolution& reduce_layer3,
                                   const FoldedConvolution& reduce_layer2, at::ScalarType dtype,
                                   int& places)
    : reduce_layer3_(quantised(reduce_layer3, QuantisedConvolution::kNoPlace)),
      reduce_layer2_(quantised(reduce_layer2, QuantisedConvolution::kNoPlace)),
      dtype_(dtype) {
  for (int index = kFirstStage; index <= kLastStage; ++index) {
    Stage& stage = stages_.emplace_back(Stage{.entry = places++, .blocks = {}});
    for (const FoldedBottleneck& folded : backbone->take_folded(index)) {
      Block block{quantised(folded.conv1, places), quantised(folded.conv2, places + 1),
                  quantised(folded.conv3, places + 2), std::nullopt};
      places += 3;
      if (folded.downsample) block.downsample = quantised(*folded.downsample, places++);
      stage.blocks.push_back(std::move(block));
    }
  }
  reduction_entry_ = places++;
}

QuantisedTensor QuantisedEncoder::enter(int index, const at::Tensor& x,
                                        ActivationRanges& ranges) const {
  return quantise(x, ranges,
                  index > kLastStage ? reduction_entry_ : stages_.at(index - kFirstStage).entry);
}

QuantisedTensor QuantisedEncoder::stage(int index, QuantisedTensor x,
                                        ActivationRanges& ranges) const {
  for (const Block& block : stages_.at(index - kFirstStage).blocks) {
    const QuantisedTensor y = block.conv2.apply(block.conv1.apply(x, true, ranges), true, ranges);
    x = block.conv3.add_to(block.downsample ? block.downsample->apply(x, false, ranges) : x, y,
                           ranges);
  }
  return x;
}

at::Tensor QuantisedEncoder::reduce(const QuantisedTensor& layer3,
                                    const QuantisedTensor& layer2) const {
  return reduce_layer3_.add_to(reduce_layer2_.apply(layer2, false, dtype_), layer3, false);
}

}  // namespace cdfss
