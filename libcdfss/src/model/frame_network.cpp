#include "model/frame_network.h"

#include <ATen/ATen.h>

namespace cdfss {
namespace {

constexpr int kLayer2 = 2;
constexpr int kLayer3 = 3;

}  // namespace

FrameNetwork::FrameNetwork(Asgnet network, at::ScalarType dtype)
    : network_(std::move(network)), dtype_(dtype), decoder_(network_, dtype) {
  const at::NoGradGuard no_grad;
  network_->eval();
  network_->backbone()->fold_batch_norm(dtype);
  auto parameters = network_->named_parameters();
  at::Tensor weight = parameters["down_conv.0.weight"];  // [256, layer3 and layer2 channels, 1, 1]
  const at::Tensor* bias = parameters.find("down_conv.0.bias");
  const int layer2 = ResNetImpl::channels(network_->backbone()->layout(), kLayer2);
  const std::int64_t layer3 = weight.size(1) - layer2;
  reduce_layer3_.emplace(weight.narrow(1, 0, layer3).to(dtype),
                         bias == nullptr ? at::Tensor() : bias->to(dtype));
  reduce_layer2_.emplace(weight.narrow(1, layer3, layer2).to(dtype), at::Tensor());
  weight.set_data(at::empty({0}, weight.options()));
}

at::Tensor FrameNetwork::prepared(const at::Tensor& images) const {
  return images.to(dtype_).contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor FrameNetwork::reduce(const at::Tensor& layer3, const at::Tensor& layer2) const {
  return reduce_layer3_->add_to(reduce_layer2_->apply(layer2, false), layer3, false);
}

at::Tensor FrameNetwork::features(const at::Tensor& images, std::optional<Pick> pick) {
  const StageHook hook = network_->memory_hook(pick);
  at::Tensor x = prepared(images);
  at::Tensor layer2;
  for (int stage = 0; stage <= kLayer3; ++stage) {
    x = hook(stage, network_->backbone()->stage(stage, x));
    if (stage == kLayer2) layer2 = x;
  }
  return reduce(x, layer2);
}

}  // namespace cdfss
