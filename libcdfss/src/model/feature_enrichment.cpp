#include "model/feature_enrichment.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>

#include "model/channel_dropout.h"
#include "model/unset_weights.h"
#include "tensor/image_tensor.h"
#include "tensor/winograd_convolution.h"

namespace cdfss {
namespace {

using torch::nn::Sequential;

// [conv1x1, ReLU]
Sequential conv_relu(int in, int out) {
  return Sequential(make_convolution(torch::nn::Conv2dOptions(in, out, 1).bias(false)),
                    torch::nn::ReLU());
}

// A 3 x 3 convolution with the ReLU behind it.
class Conv3x3ReluImpl : public torch::nn::Conv2dImpl {
 public:
  using Conv2dImpl::Conv2dImpl;
  at::Tensor forward(const at::Tensor& x) { return conv3x3_relu(x, weight); }
};

std::shared_ptr<Conv3x3ReluImpl> relu_convolution(int channels) {
  return make_convolution<Conv3x3ReluImpl>(
      torch::nn::Conv2dOptions(channels, channels, 3).padding(1).bias(false));
}

// Holds the place of a ReLU in the released numbering.
torch::nn::Identity relu_above() { return {}; }

// [conv3x3, ReLU, conv3x3, ReLU], for a residual sum.
Sequential residual_branch(int channels) {
  return Sequential(relu_convolution(channels), relu_above(), relu_convolution(channels),
                    relu_above());
}

// [conv3x3, ReLU, dropout, conv1x1 to two classes]
Sequential classifier(int channels) {
  return Sequential(relu_convolution(channels), relu_above(), ChannelDropout(0.1),
                    make_convolution(torch::nn::Conv2dOptions(channels, 2, 1)));
}

// The weight of the convolution that `module` begins with, for parts of so many input channels.
std::vector<at::Tensor> weights_of_parts(const std::shared_ptr<torch::nn::Module>& module,
                                         const std::vector<std::int64_t>& channels) {
  return module->as<Sequential>()->at<torch::nn::Conv2dImpl>(0).weight.split_with_sizes(channels,
                                                                                        1);
}

at::Tensor pooled(const at::Tensor& x, int side) {
  return x.size(2) == side ? x : at::adaptive_avg_pool2d(x, {side, side});
}

at::Tensor run(const std::shared_ptr<torch::nn::Module>& module, const at::Tensor& x) {
  return module->as<Sequential>()->forward(x);
}

}  // namespace

FeatureEnrichmentImpl::FeatureEnrichmentImpl(int channels, int similarity_channels) {
  corr_conv_ = register_module("corr_conv", torch::nn::ModuleList());
  alpha_conv_ = register_module("alpha_conv", torch::nn::ModuleList());
  beta_conv_ = register_module("beta_conv", torch::nn::ModuleList());
  inner_cls_ = register_module("inner_cls", torch::nn::ModuleList());
  for (int level = 0; level < 4; ++level) {
    corr_conv_->push_back(conv_relu(2 * channels + similarity_channels, channels));
    if (level > 0) alpha_conv_->push_back(conv_relu(2 * channels, channels));
    beta_conv_->push_back(residual_branch(channels));
    inner_cls_->push_back(classifier(channels));
  }
  res1_ = register_module("res1", conv_relu(4 * channels, channels));
  res2_ = register_module("res2", residual_branch(channels));
  cls_ = register_module("cls", classifier(channels));
}

void FeatureEnrichmentImpl::start_at_zero() {
  at::NoGradGuard no_grad;
  const auto clear = [](torch::nn::SequentialImpl& classifier) {
    for (at::Tensor& parameter : classifier[classifier.size() - 1]->parameters()) {
      parameter.zero_();
    }
  };
  clear(*cls_);
  for (const auto& inner : *inner_cls_) clear(*inner->as<Sequential>());
}

std::array<int, 4> FeatureEnrichmentImpl::bins(int feature_side) {
  const auto fraction = [&](int divisor) { return std::max(feature_side / divisor, 1); };
  // The released configuration for 60 says 8, where truncation would give 7.
  return {feature_side, fraction(2), fraction(4), feature_side == 60 ? 8 : fraction(8)};
}

at::Tensor FeatureEnrichmentImpl::merged(int level, int bin, const Allocation& allocation,
                                         const at::Tensor& similarity) {
  const std::int64_t channels = allocation.query.size(1), images = similarity.size(0);
  const std::vector<at::Tensor> weights =
      weights_of_parts(corr_conv_[level], {channels, channels, similarity.size(1)});
  const at::Tensor of_query = at::conv2d(pooled(allocation.query, bin), weights[0]);
  // A row for what it makes of each prototype, and of a similarity of 1: [B, n + similarities, C]
  const at::Tensor of_prototypes = allocation.prototypes.mT().matmul(weights[1].flatten(1).t());
  const at::Tensor of_similarities = weights[2].flatten(1).t().to(of_prototypes.scalar_type());
  const at::Tensor rows = at::cat({of_prototypes, of_similarities.expand({images, -1, -1})}, 1);
  const at::Tensor shares =
      at::cat({pooled(allocation.choice, bin), resize_align_corners(similarity, bin, bin)}, 1);
  const at::Tensor of_guide = shares.permute({0, 2, 3, 1}).flatten(1, 2).matmul(rows);
  return (of_query + of_guide.view({images, bin, bin, -1}).permute({0, 3, 1, 2})).relu_();
}

// A 1 x 1 convolution of concatenated channels is the sum of one convolution for each part, so
// nothing is concatenated for two of them, and work moves to where it is cheaper. The merging one
// reads, beside the query, prototypes that pixels share: it is applied to these, and a pixel gets
// its own by its choice, which averaging over bins does not change. res1 reads each scale at its
// own resolution and resizes what it made of it, since resizing and a 1 x 1 convolution commute.
Enriched FeatureEnrichmentImpl::forward(const Allocation& allocation, const at::Tensor& similarity,
                                        bool with_inner) {
  const int side = static_cast<int>(similarity.size(2));
  Enriched result;
  const std::array<int, 4> sides = bins(side);
  const std::vector<at::Tensor> collecting =
      weights_of_parts(res1_.ptr(), std::vector<std::int64_t>(4, allocation.query.size(1)));
  at::Tensor collected;
  at::Tensor previous;  // scale, at full resolution
  for (int level = 0; level < 4; ++level) {
    const int bin = sides[level];
    at::Tensor m = merged(level, bin, allocation, similarity);
    if (level > 0) {
      const at::Tensor at_this_scale = resize_align_corners(previous, bin, bin);
      m = run(alpha_conv_[level - 1], at::cat({m, at_this_scale}, 1)) + m;
    }
    m = run(beta_conv_[level], m) + m;
    if (with_inner) result.inner.push_back(run(inner_cls_[level], m));
    if (level < 3) previous = resize_align_corners(m, side, side);
    const at::Tensor part = resize_align_corners(at::conv2d(m, collecting[level]), side, side);
    collected = level == 0 ? part : collected + part;
  }
  result.res1 = at::relu(collected);
  result.res2 = res2_->forward(result.res1);
  result.logits = cls_->forward(result.res2 + result.res1);
  return result;
}

}  // namespace cdfss
