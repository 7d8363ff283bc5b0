#include "model/asgnet.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/nn/modules/container/moduledict.h>
#include <torch/utils.h>

#include <algorithm>

#include "cdfss/error.h"
#include "model/prototype_allocation.h"
#include "model/similarity_prior.h"
#include "model/superpixel_clustering.h"
#include "model/unset_weights.h"
#include "tensor/image_tensor.h"

namespace cdfss {
namespace {

constexpr int kReducedChannels = 256;
constexpr int kLayer2 = 2;
constexpr int kLayer3 = 3;
// Logit a unit of cosine difference: the prior alone is then decided to within a few percent of it.
constexpr double kInitialPriorScale = 10.0;

// Adds the prior to the foreground logit of [B, 2, b, b].
at::Tensor with_prior(const at::Tensor& logits, const at::Tensor& prior_logit) {
  const at::Tensor resized = resize_align_corners(prior_logit, static_cast<int>(logits.size(2)),
                                                  static_cast<int>(logits.size(3)));
  return at::cat({logits.narrow(1, 0, 1), logits.narrow(1, 1, 1) + resized}, 1);
}

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
      "down_conv", torch::nn::Sequential(
                       make_convolution(torch::nn::Conv2dOptions(concatenated, kReducedChannels, 1)
                                            .bias(options.has_prior())),
                       ChannelDropout(0.5)));
  enrichment_ = FeatureEnrichment(kReducedChannels, options.has_prior() ? 3 : 1);
  for (const auto& part : enrichment_->named_children()) {
    register_module(part.key(), part.value());
  }

  if (options.object_directions < 0 || options.background_directions < 0 ||
      (options.object_directions > 0) != (options.background_directions > 0)) {
    throw Error(ErrorCode::kInvalidValue,
                "similarity prior of " + std::to_string(options.object_directions) +
                    " object and " + std::to_string(options.background_directions) +
                    " background directions: expected both 0, or both 1 or more");
  }
  if (options.has_prior()) {
    prior_scale_ = register_parameter("prior_scale", at::full({}, kInitialPriorScale));
    prior_bias_ = register_parameter("prior_bias", at::zeros({}));
    enrichment_->start_at_zero();
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

StageHook AsgnetImpl::memory_hook(std::optional<Pick> pick, std::vector<Style>* styles) {
  if (!pick && styles == nullptr) return {};
  return {options_.memory_layers, [this, pick, styles](int stage, const at::Tensor& features) {
            const Style own = style_of(features);
            if (styles != nullptr) styles->push_back(own);
            if (!pick) return features;
            const auto& layers = options_.memory_layers;
            const auto layer = std::find(layers.begin(), layers.end(), stage) - layers.begin();
            return memories_[layer]->enhance(features, own, *pick);
          }};
}

at::Tensor AsgnetImpl::backbone_features(const at::Tensor& images, std::optional<Pick> pick,
                                         std::vector<Style>* styles) {
  return encode(backbone_, images, memory_hook(pick, styles));
}

int AsgnetImpl::unstyled_stage() const {
  return options_.memory_layers.empty() ? kLayer2
                                        : std::min(options_.memory_layers.front(), kLayer2);
}

at::Tensor AsgnetImpl::reduce(const at::Tensor& backbone_features) {
  return down_conv_->forward(backbone_features);
}

ReducedPixels AsgnetImpl::reduce(const at::Tensor& strips, const PixelSet& pixels,
                                 bool with_features, bool feature_gradient) {
  auto& convolution = down_conv_->at<torch::nn::Conv2dImpl>(0);
  const at::Tensor factors = down_conv_->at<ChannelDropoutImpl>(1).masks(
      pixels.mask().size(0), kReducedChannels, strips.options());
  ReducedPixels reduced;
  if (with_features) {
    const torch::AutoGradMode gradient(feature_gradient && at::GradMode::is_enabled());
    const at::Tensor images = pixels.images_of(convolution.forward(strips));
    reduced.features = factors.defined() ? images * factors : images;
  }
  // The average of what a convolution of single pixels makes is what it makes of the average. In
  // float32 whatever autocast asks for, since it is few products that stand for many.
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const at::Tensor counts = pixels.counts().unsqueeze(1);  // [B, 1]
  at::Tensor sums = at::linear(pixels.sums_of(strips), convolution.weight.flatten(1));
  if (convolution.bias.defined()) sums = sums + counts * convolution.bias;
  reduced.averages = sums / (counts + kMaskEpsilon);
  if (factors.defined()) reduced.averages = reduced.averages * factors.flatten(1);
  return reduced;
}

void AsgnetImpl::set_reduction_dropout(double share) {
  down_conv_->at<ChannelDropoutImpl>(1).set_share(share);
}

void AsgnetImpl::set_shard(BatchShard shard) {
  for (const auto& module : modules()) {
    if (auto* dropout = module->as<ChannelDropoutImpl>()) dropout->set_shard(shard);
  }
}

Prototypes AsgnetImpl::prototypes(const at::Tensor& features, const at::Tensor& label,
                                  const at::Tensor& seeds, int iterations,
                                  bool with_gradient) const {
  const at::Tensor object = label.eq(1).to(features.scalar_type());
  Prototypes result;
  {
    const torch::AutoGradMode gradient(with_gradient && at::GradMode::is_enabled());
    result.foreground = superpixel_prototypes(features, object, seeds, iterations);
  }
  if (options_.has_prior()) {
    result.object_directions = cluster_directions(features, object, options_.object_directions);
    result.background_directions =
        cluster_directions(features, label.eq(0), options_.background_directions);
  }
  return result;
}

Enriched AsgnetImpl::decode(const at::Tensor& query_features,
                            const std::vector<Prototypes>& prototypes, bool with_inner) {
  std::vector<at::Tensor> foreground;
  for (const Prototypes& of_image : prototypes) foreground.push_back(of_image.foreground);
  const Allocation allocation = allocate_prototypes(query_features, foreground);
  if (!options_.has_prior()) {
    return enrichment_->forward(allocation, allocation.probability, with_inner);
  }
  const std::vector<at::Tensor> queries = query_features.split(1);
  std::vector<at::Tensor> priors;
  for (std::size_t i = 0; i < prototypes.size(); ++i) {
    priors.push_back(similarity_prior(queries[queries.size() == 1 ? 0 : i],
                                      prototypes[i].object_directions,
                                      prototypes[i].background_directions));
  }
  const at::Tensor prior = at::cat(priors);  // [B, 2, h, w]
  const at::Tensor prior_logit =
      (prior.narrow(1, 0, 1) - prior.narrow(1, 1, 1)) * prior_scale_ + prior_bias_;
  Enriched result =
      enrichment_->forward(allocation, at::cat({allocation.probability, prior}, 1), with_inner);
  result.logits = with_prior(result.logits, prior_logit);
  for (at::Tensor& inner : result.inner) inner = with_prior(inner, prior_logit);
  return result;
}

std::vector<at::Tensor> AsgnetImpl::decoder_parameters() const {
  std::vector<at::Tensor> parameters = enrichment_->parameters();
  if (options_.has_prior()) parameters.insert(parameters.end(), {prior_scale_, prior_bias_});
  return parameters;
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
  const auto joined = [&](at::Tensor Prototypes::* part) {
    std::vector<at::Tensor> parts;
    for (const Prototypes& shot : shots) {
      if ((shot.*part).defined()) parts.push_back(shot.*part);
    }
    return parts.empty() ? at::Tensor() : at::cat(parts, 1);
  };
  return {joined(&Prototypes::foreground), joined(&Prototypes::object_directions),
          joined(&Prototypes::background_directions)};
}

}  // namespace cdfss
