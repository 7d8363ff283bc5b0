#include "model/frame_network.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace cdfss {
namespace {

constexpr int kLayer2 = 2;
constexpr int kLayer3 = 3;

}  // namespace

FrameNetwork::FrameNetwork(Asgnet network, at::ScalarType dtype, bool quantised)
    : network_(std::move(network)),
      dtype_(dtype),
      decoder_(network_, dtype, quantised ? &places_ : nullptr) {
  const at::NoGradGuard no_grad;
  network_->eval();
  auto parameters = network_->named_parameters();
  at::Tensor weight = parameters["down_conv.0.weight"];  // [256, layer3 and layer2 channels, 1, 1]
  const at::Tensor* bias = parameters.find("down_conv.0.bias");
  const int layer2 = ResNetImpl::channels(network_->backbone()->layout(), kLayer2);
  const std::int64_t layer3 = weight.size(1) - layer2;
  const FoldedConvolution of_layer3{
      weight.narrow(1, 0, layer3), bias == nullptr ? at::Tensor() : *bias, {}};
  const FoldedConvolution of_layer2{weight.narrow(1, layer3, layer2), {}, {}};
  if (quantised) {
    quantised_.emplace(network_->backbone(), of_layer3, of_layer2, dtype, places_);
  } else {
    reduce_layer3_ = of_layer3.fused(dtype);
    reduce_layer2_ = of_layer2.fused(dtype);
  }
  network_->backbone()->fold_batch_norm(dtype);
  weight.set_data(at::empty({0}, weight.options()));
}

at::Tensor FrameNetwork::prepared(const at::Tensor& images) const {
  return images.to(dtype_).contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor FrameNetwork::reduce(const at::Tensor& layer3, const at::Tensor& layer2) const {
  return reduce_layer3_->add_to(reduce_layer2_->apply(layer2, false), layer3, false);
}

at::Tensor FrameNetwork::features(const at::Tensor& images, std::optional<Pick> pick,
                                  ActivationRanges* ranges) {
  if (quantised_) return quantised_features(prepared(images), pick, *ranges);
  const StageHook hook = network_->memory_hook(pick);
  at::Tensor x = prepared(images);
  at::Tensor layer2;
  for (int stage = 0; stage <= kLayer3; ++stage) {
    x = hook(stage, network_->backbone()->stage(stage, x));
    if (stage == kLayer2) layer2 = x;
  }
  return reduce(x, layer2);
}

at::Tensor FrameNetwork::quantised_features(at::Tensor x, std::optional<Pick> pick,
                                            ActivationRanges& ranges) {
  const StageHook hook = network_->memory_hook(pick);
  for (int stage = 0; stage < QuantisedEncoder::kFirstStage; ++stage) {
    x = hook(stage, network_->backbone()->stage(stage, x));
  }
  const std::vector<int>& memories = network_->options().memory_layers;
  QuantisedTensor bytes = quantised_->enter(QuantisedEncoder::kFirstStage, x, ranges);
  QuantisedTensor layer2;
  for (int stage = QuantisedEncoder::kFirstStage; stage <= kLayer3; ++stage) {
    bytes = quantised_->stage(stage, bytes, ranges);
    if (pick && std::find(memories.begin(), memories.end(), stage) != memories.end()) {
      bytes = quantised_->enter(stage + 1, hook(stage, dequantise(bytes, dtype_)), ranges);
    }
    if (stage == kLayer2) layer2 = bytes;
  }
  return quantised_->reduce(bytes, layer2);
}

}  // namespace cdfss
