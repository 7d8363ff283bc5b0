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

Enriched FeatureEnrichmentImpl::forward(const at::Tensor& guide, const at::Tensor& similarity,
                                        bool with_inner) {
  const int side = static_cast<int>(guide.size(2));
  Enriched result;
  std::vector<at::Tensor> scales;
  const std::array<int, 4> sides = bins(side);
  for (int level = 0; level < 4; ++level) {
    const int bin = sides[level];
    const at::Tensor pooled = bin == side ? guide : at::adaptive_avg_pool2d(guide, {bin, bin});
    at::Tensor m =
        run(corr_conv_[level], at::cat({pooled, resize_align_corners(similarity, bin, bin)}, 1));
    if (level > 0) {
      const at::Tensor previous = resize_align_corners(scales.back(), bin, bin);
      m = run(alpha_conv_[level - 1], at::cat({m, previous}, 1)) + m;
    }
    m = run(beta_conv_[level], m) + m;
    if (with_inner) result.inner.push_back(run(inner_cls_[level], m));
    scales.push_back(resize_align_corners(m, side, side));
  }
  result.res1 = res1_->forward(at::cat(scales, 1));
  result.res2 = res2_->forward(result.res1);
  result.logits = cls_->forward(result.res2 + result.res1);
  return result;
}

}  // namespace cdfss
