// The few-shot network: ASGNet (SPEC part A) with meta-memories behind its shallow layers (part B).
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>

#include <optional>
#include <string>
#include <vector>

#include "model/channel_dropout.h"
#include "model/encode.h"
#include "model/feature_enrichment.h"
#include "model/meta_memory.h"
#include "model/resnet.h"
#include "tensor/pixel_set.h"

namespace cdfss {

struct AsgnetOptions {
  std::string backbone = "resnet50-caffe";
  // Stages 0..3 followed by a meta-memory; empty = plain ASGNet.
  std::vector<int> memory_layers{0, 1};
  MetaMemoryOptions memory{};  // `channels` is set for each layer from the backbone
  // Directions a shot that describe its object and its background for the similarity prior
  // (similarity_prior.h), both 1 or more; 0 = the published network, without the prior. With it,
  // the decoder sees the prior as two more channels, all logits start from it, and the reduction
  // has a bias.
  int object_directions = 0;
  int background_directions = 0;

  bool has_prior() const { return object_directions > 0; }
};

// What a support set is to the network.
struct Prototypes {
  at::Tensor foreground;  // [256, n], n >= 1, all shots concatenated
  // Unit vectors [256, k] for the similarity prior; undefined without it.
  at::Tensor object_directions, background_directions;
};

// Reduced features of some pixels.
struct ReducedPixels {
  at::Tensor features;  // [B, 256, h, w], 0 at all other pixels; undefined if not asked for
  at::Tensor averages;  // float [B, 256]: each image's masked average (superpixel_clustering.h)
};

// Submodules: the backbone's stages under their released names, down_conv, corr_conv ... cls, and
// memory.<layer>.
class AsgnetImpl : public torch::nn::Module {
 public:
  explicit AsgnetImpl(const AsgnetOptions& options);

  // Images to concatenated layer3 and layer2 features [B, 1536, h, h]. With `pick`, each memory
  // restyles the features of its layer. `styles`, when given, receives one Style a memory layer:
  // that of the layer's actual input (B6), for MetaMemory::commit.
  at::Tensor backbone_features(const at::Tensor& images, std::optional<Pick> pick,
                               std::vector<Style>* styles = nullptr);
  // What backbone_features() does after each stage, for an encoder of one's own.
  StageHook memory_hook(std::optional<Pick> pick, std::vector<Style>* styles = nullptr);
  // The last stage whose features no memory has touched yet and encode_from() can start at: 0 to 2.
  int unstyled_stage() const;
  // [B, 1536, h, h] -> [B, 256, h, h]; draws dropout in training.
  at::Tensor reduce(const at::Tensor& backbone_features);
  // The same of these pixels, from strips [n, 1536, 1, pixels.strip()]. The averages have
  // gradient; the features, if asked for, only with `feature_gradient`.
  ReducedPixels reduce(const at::Tensor& strips, const PixelSet& pixels, bool with_features,
                       bool feature_gradient);
  // Share of channels that reduce() drops in training, 0..1; 0.5 as released.
  void set_reduction_dropout(double share);
  // Makes all dropout that of a shard of the batch (channel_dropout.h).
  void set_shard(BatchShard shard);
  // One shot's prototypes: features [256, h, w], label [h, w] of 0, 1, 255 (ignored), any dtype,
  // and seeds int64 [n, 2]. Directions carry gradient, foreground prototypes only if asked to
  // (B12).
  Prototypes prototypes(const at::Tensor& features, const at::Tensor& label,
                        const at::Tensor& seeds, int iterations, bool with_gradient = false) const;
  // query_features [B, 256, h, w]; prototypes[i] guides item i, or query_features of batch 1 is
  // decoded once for each.
  Enriched decode(const at::Tensor& query_features, const std::vector<Prototypes>& prototypes,
                  bool with_inner);

  // What decode() computes with.
  std::vector<at::Tensor> decoder_parameters() const;

  ResNet backbone() { return backbone_; }
  FeatureEnrichment enrichment() { return enrichment_; }
  // One a memory layer, in the order of options().memory_layers.
  std::vector<MetaMemory>& memories() { return memories_; }
  const AsgnetOptions& options() const { return options_; }

  // For inference, after moving to the device: folds the backbone's BatchNorm and converts every
  // convolution to `dtype`, channels-last. The network can then no longer be saved or trained.
  // FrameNetwork is faster still.
  void prepare_inference(at::ScalarType dtype);

 private:
  AsgnetOptions options_;
  ResNet backbone_{nullptr};
  torch::nn::Sequential down_conv_{nullptr};
  FeatureEnrichment enrichment_{nullptr};
  std::vector<MetaMemory> memories_;
  at::Tensor prior_scale_, prior_bias_;  // scalars; undefined without the prior
};
TORCH_MODULE(Asgnet);

// All shots of a class as one set (SPEC A7, K-shot).
Prototypes concatenate(const std::vector<Prototypes>& shots);

}  // namespace cdfss
