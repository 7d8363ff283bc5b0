// A 1x1 convolution of concatenated channels is the sum of one convolution for each part, so
// nothing is concatenated here. That also lets work move to where it is cheaper:
// - the query's part of the merging convolution is the same for all classes;
// - the allocated prototypes are a choice among few vectors: the convolution is applied to these,
//   once for a support set, and a pixel's share is looked up, which averaging over bins does not
//   change;
// - res1 reads each scale at its own resolution and resizes what it made of it, since resizing and
//   a 1x1 convolution commute.
#include "model/frame_decoder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "model/feature_enrichment.h"
#include "tensor/image_tensor.h"

namespace cdfss {
namespace {

constexpr double kNormFloor = 1e-7;

std::unique_ptr<FusedConvolution> convolution(const at::Tensor& weight, at::ScalarType dtype,
                                              const at::Tensor& bias = {}) {
  const int padding = static_cast<int>(weight.size(2)) / 2;
  return std::make_unique<FusedConvolution>(weight, bias, dtype,
                                            ConvolutionGeometry{.padding = padding});
}

// Unit columns of [C, n] as rows [n, C].
at::Tensor unit_rows(const at::Tensor& columns) {
  const at::Tensor rows = columns.to(at::kFloat).t();
  return rows / at::linalg_vector_norm(rows, 2, 1, true).clamp_min(kNormFloor);
}

at::Tensor as_kernel(const at::Tensor& matrix) { return matrix.unsqueeze(2).unsqueeze(3); }

at::Tensor resized(const at::Tensor& x, int side) { return resize_align_corners(x, side, side); }

at::Tensor pooled(const at::Tensor& x, int side) {
  return x.size(2) == side ? x : at::adaptive_avg_pool2d(x, {side, side});
}

}  // namespace

FrameDecoder::FrameDecoder(Asgnet network, at::ScalarType dtype, int* places) : dtype_(dtype) {
  const at::NoGradGuard no_grad;
  auto parameters = network->enrichment()->named_parameters();
  const auto take = [&](const std::string& name) {
    at::Tensor parameter = parameters[name];
    const at::Tensor values = parameter.detach().to(at::kFloat);
    parameter.set_data(at::empty({0}, parameter.options()));
    return values;
  };
  const auto chain = [&](const std::vector<at::Tensor>& weights, bool few_pixels = false) {
    return std::make_unique<ConvolutionChain>(weights, dtype, places, few_pixels);
  };
  const at::Tensor res1 = take("res1.0.weight");
  const std::int64_t channels = res1.size(0);
  for (int level = 0; level < 4; ++level) {
    Scale& scale = scales_[level];
    const std::string index = std::to_string(level);
    const at::Tensor corr = take("corr_conv." + index + ".0.weight");
    scale.merge_query = convolution(corr.narrow(1, 0, channels), dtype);
    scale.merge_prototypes = corr.narrow(1, channels, channels).flatten(1).contiguous();
    scale.merge_similarities =
        corr.narrow(1, 2 * channels, corr.size(1) - 2 * channels).flatten(1).contiguous();
    if (level > 0) {
      const at::Tensor alpha = take("alpha_conv." + std::to_string(level - 1) + ".0.weight");
      scale.alpha_own = convolution(alpha.narrow(1, 0, channels), dtype);
      scale.alpha_previous = convolution(alpha.narrow(1, channels, channels), dtype);
    }
    scale.beta =
        chain({take("beta_conv." + index + ".0.weight"), take("beta_conv." + index + ".2.weight")},
              /*few_pixels=*/level > 0);
    scale.collect = convolution(res1.narrow(1, level * channels, channels), dtype);
    take("inner_cls." + index + ".0.weight");  // read in training only
  }
  res2_ = chain({take("res2.0.weight"), take("res2.2.weight")});
  cls_hidden_ = chain({take("cls.0.weight")});
  // softmax over two logits depends on their difference only.
  const auto difference = [](const at::Tensor& both) {
    return both.narrow(0, 1, 1) - both.narrow(0, 0, 1);
  };
  cls_out_ = convolution(difference(take("cls.3.weight")), dtype, difference(take("cls.3.bias")));
  if (network->options().has_prior()) {
    const auto own = network->named_parameters(/*recurse=*/false);
    prior_scale_ = own["prior_scale"].detach().to(at::kFloat);
    prior_bias_ = own["prior_bias"].detach().to(at::kFloat);
  }
}

ClassGuide FrameDecoder::guide(const Prototypes& prototypes) const {
  const at::NoGradGuard no_grad;
  ClassGuide guide;
  guide.counts.prototypes = prototypes.foreground.size(1);
  std::vector<at::Tensor> rows{unit_rows(prototypes.foreground)};
  if (prior_scale_.defined()) {
    guide.counts.object = prototypes.object_directions.size(1);
    guide.counts.background = prototypes.background_directions.size(1);
    rows.push_back(unit_rows(prototypes.object_directions));
    rows.push_back(unit_rows(prototypes.background_directions));
  }
  guide.directions = convolution(as_kernel(at::cat(rows)), dtype_);
  for (int level = 0; level < 4; ++level) {
    const Scale& scale = scales_[level];
    const at::Tensor made = scale.merge_prototypes.matmul(prototypes.foreground.to(at::kFloat));
    guide.merge[level] =
        convolution(as_kernel(at::cat({made, scale.merge_similarities}, 1)), dtype_);
  }
  return guide;
}

Likeness FrameDecoder::compare(const at::Tensor& query, const ClassGuide& guide) const {
  return likeness(query, guide.directions->apply(query, false), guide.counts);
}

at::Tensor FrameDecoder::merged(int level, int side, const at::Tensor& query,
                                const std::vector<const ClassGuide*>& guides,
                                const std::vector<std::int64_t>& image_of,
                                const std::vector<Likeness>& likenesses) const {
  at::Tensor m = scales_[level].merge_query->apply(pooled(query, side), false);
  if (guides.size() != 1) {  // not by a tensor of indices, which would be copied to the device
    std::vector<at::Tensor> images;
    for (const std::int64_t image : image_of) images.push_back(m.narrow(0, image, 1));
    m = at::cat(images);
  }
  m = m.contiguous(at::MemoryFormat::ChannelsLast);
  for (std::size_t i = 0; i < guides.size(); ++i) {
    const at::Tensor input =
        at::cat({pooled(likenesses[i].choice, side), resized(likenesses[i].similarity, side)}, 1);
    guides[i]->merge[level]->add_to(m.narrow(0, static_cast<std::int64_t>(i), 1), input, true);
  }
  return m;
}

at::Tensor FrameDecoder::refined(int level, at::Tensor m, const at::Tensor& previous,
                                 ActivationRanges* ranges) const {
  const Scale& scale = scales_[level];
  if (level > 0) {
    const at::Tensor own = scale.alpha_own->apply(m, false);
    const at::Tensor at_this_scale = resized(previous, static_cast<int>(m.size(2)));
    m = scale.alpha_previous->add_to(own, at_this_scale, true).add_(m);
  }
  return scale.beta->apply(m, ranges).add_(m);
}

at::Tensor FrameDecoder::enrich(const at::Tensor& query,
                                const std::vector<const ClassGuide*>& guides,
                                const std::vector<std::int64_t>& image_of,
                                const std::vector<Likeness>& likenesses,
                                ActivationRanges* ranges) const {
  const int side = static_cast<int>(query.size(2));
  const std::array<int, 4> sides = FeatureEnrichmentImpl::bins(side);
  const at::Tensor first =
      refined(0, merged(0, side, query, guides, image_of, likenesses), {}, ranges);
  at::Tensor previous = first;  // at full resolution
  at::Tensor collected;
  for (int level = 1; level < 4; ++level) {
    const at::Tensor m = refined(
        level, merged(level, sides[level], query, guides, image_of, likenesses), previous, ranges);
    if (level < 3) previous = resized(m, side);
    const at::Tensor part = resized(scales_[level].collect->apply(m, false), side);
    collected = collected.defined() ? collected.add_(part) : part;
  }
  collected = collected.contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor x = scales_[0].collect->add_to(collected, first, true);
  const at::Tensor y = res2_->apply(x, ranges).add_(x);
  at::Tensor logits = cls_out_->apply(cls_hidden_->apply(y, ranges), false).to(at::kFloat);
  if (prior_scale_.defined()) {
    std::vector<at::Tensor> margins;
    for (const Likeness& likeness : likenesses) margins.push_back(likeness.margin);
    logits = logits + (at::cat(margins) * prior_scale_ + prior_bias_);
  }
  return logits.squeeze(1);
}

at::Tensor FrameDecoder::logits(const at::Tensor& query,
                                const std::vector<const ClassGuide*>& guides,
                                const std::vector<std::int64_t>& image_of,
                                ActivationRanges* ranges) const {
  std::vector<Likeness> likenesses;
  for (std::size_t i = 0; i < guides.size(); ++i) {
    likenesses.push_back(compare(query.narrow(0, image_of[i], 1), *guides[i]));
  }
  return enrich(query, guides, image_of, likenesses, ranges);
}

}  // namespace cdfss
