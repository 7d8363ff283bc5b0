// The feature enrichment module (FEM): multi-scale decoder from guided features to logits (A8).
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>

#include <array>
#include <vector>

#include "model/prototype_allocation.h"

namespace cdfss {

struct Enriched {
  at::Tensor logits;              // [B, 2, h, w]; channel 1 = foreground
  std::vector<at::Tensor> inner;  // per scale [B, 2, b, b]; empty unless asked for
  // [B, 256, h, w] outputs of the blocks of these names, for inspection; res2's sum with res1 is
  // what the classifier reads.
  at::Tensor res1, res2;
};

// Parameter names are the released ASGNet's: corr_conv, alpha_conv, beta_conv, inner_cls, res1,
// res2, cls.
class FeatureEnrichmentImpl : public torch::nn::Module {
 public:
  // channels: C of the features; `similarity_channels`: channels that come with the guide.
  explicit FeatureEnrichmentImpl(int channels = 256, int similarity_channels = 1);

  // similarity [B, similarity_channels, h, w]. Scales: 1, 1/2, 1/4, 1/8 of h (60, 30, 15, 8 at h =
  // 60).
  Enriched forward(const Allocation& allocation, const at::Tensor& similarity, bool with_inner);

  // Makes every classifier answer 0, so that logits start as what is added to them.
  void start_at_zero();

  // The four bins of a feature side h, 4 or more (SPEC A8); none is less than 1.
  static std::array<int, 4> bins(int feature_side);

 private:
  // The merging convolution of a level with its ReLU, [B, C, bin, bin].
  at::Tensor merged(int level, int bin, const Allocation& allocation, const at::Tensor& similarity);

  torch::nn::ModuleList corr_conv_, alpha_conv_, beta_conv_, inner_cls_;
  torch::nn::Sequential res1_{nullptr}, res2_{nullptr}, cls_{nullptr};
};
TORCH_MODULE(FeatureEnrichment);

}  // namespace cdfss
