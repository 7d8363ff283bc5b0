#include "model/asgnet.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/moduledict.h>
#include <torch/nn/modules/dropout.h>

#include <algorithm>

#include "cdfss/error.h"
#include "model/prototype_allocation.h"
#include "model/superpixel_clustering.h"

namespace cdfss {
namespace {

constexpr int kReducedChannels = 256;
constexpr int kLayer2 = 2;
constexpr int kLayer3 = 3;

}  // namespace

AsgnetImpl::AsgnetImpl(const AsgnetOptions& options) : options_(options) {
  const ResNetLayout layout = ResNetLayout::from_name(options.backbone);
  backbone_ = ResNet(layout);
  // The released names have no prefix for the backbone: its stages are registered as our own.
  for (const auto& stage : backbone_->named_children()) {
    register_module(stage.key(), stage.value());
  }
  const int concatenated =
      ResNetImpl::channels(layout, kLayer3) + ResNetImpl::channels(layout, kLayer2);
  down_conv_ = register_module(
      "down_conv",
      torch::nn::Sequential(
          torch::nn::Conv2d(
              torch::nn::Conv2dOptions(concatenated, kReducedChannels, 1).bias(false)),
          torch::nn::Dropout2d(0.5)));
  enrichment_ = FeatureEnrichment(kReducedChannels);
  for (const auto& part : enrichment_->named_children()) {
    register_module(part.key(), part.value());
  }

  if (!std::is_sorted(options.memory_layers.begin(), options.memory_layers.end()) ||
      std::adjacent_find(options.memory_layers.begin(), options.memory_layers.end()) !=
          options.memory_layers.end()) {
    throw Error(ErrorCode::kInvalidValue, "memory layers must be in ascending order, each once");
  }
  auto memory = register_module("memory", torch::nn::ModuleDict());
  torch::OrderedDict<std::string, std::shared_ptr<torch::nn::Module>> by_layer;
  for (const int layer : options.memory_layers) {
    if (layer < 0 || layer > kLayer3) {
      throw Error(ErrorCode::kInvalidValue,
                  "memory layer " + std::to_string(layer) + ": expected 0 to 3");
    }
    MetaMemoryOptions memory_options = options.memory;
    memory_options.channels = ResNetImpl::channels(layout, layer);
    by_layer.insert(std::to_string(layer), memories_.emplace_back(memory_options).ptr());
  }
  memory->update(by_layer);
}

at::Tensor AsgnetImpl::backbone_features(const at::Tensor& images, std::optional<Pick> pick,
                                         std::vector<Style>* styles) {
  at::Tensor x = images;
  at::Tensor layer2;
  std::size_t next_memory = 0;
  for (int stage = 0; stage <= kLayer3; ++stage) {
    x = backbone_->stage(stage, x);
    if (next_memory < memories_.size() && options_.memory_layers[next_memory] == stage) {
      if (styles != nullptr) styles->push_back(style_of(x));
      if (pick.has_value()) x = memories_[next_memory]->enhance(x, *pick);
      ++next_memory;
    }
    if (stage == kLayer2) layer2 = x;
  }
  return at::cat({x, layer2}, 1);
}

at::Tensor AsgnetImpl::reduce(const at::Tensor& backbone_features) {
  return down_conv_->forward(backbone_features);
}

Prototypes AsgnetImpl::prototypes(const at::Tensor& features, const at::Tensor& mask,
                                  const at::Tensor& seeds, int iterations) const {
  return {superpixel_prototypes(features, mask, seeds, iterations)};
}

Enriched AsgnetImpl::decode(const at::Tensor& query_features,
                            const std::vector<Prototypes>& prototypes, bool with_inner) {
  const auto batch = static_cast<std::int64_t>(prototypes.size());
  if (query_features.size(0) != batch && query_features.size(0) != 1) {
    throw Error(ErrorCode::kInvalidValue,
                "decode: " + std::to_string(query_features.size(0)) + " query images and " +
                    std::to_string(batch) + " sets of prototypes, expected as many or one image");
  }
  std::vector<at::Tensor> guides;
  std::vector<at::Tensor> probabilities;
  for (std::int64_t i = 0; i < batch; ++i) {
    const std::int64_t item = query_features.size(0) == 1 ? 0 : i;
    const Allocation allocation =
        allocate_prototypes(query_features.narrow(0, item, 1), prototypes[i].foreground);
    guides.push_back(allocation.guide);
    probabilities.push_back(allocation.probability);
  }
  return enrichment_->forward(at::cat(guides), at::cat(probabilities), with_inner);
}

void AsgnetImpl::prepare_inference(at::ScalarType dtype) {
  eval();
  backbone_->fold_batch_norm(dtype);
  down_conv_->to(dtype);
  enrichment_->to(dtype);
  at::NoGradGuard no_grad;
  for (at::Tensor& parameter : enrichment_->parameters()) {
    if (parameter.dim() == 4) {
      parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
    }
  }
}

Prototypes concatenate(const std::vector<Prototypes>& shots) {
  std::vector<at::Tensor> foreground;
  for (const Prototypes& shot : shots) foreground.push_back(shot.foreground);
  return {at::cat(foreground, 1)};
}

}  // namespace cdfss
