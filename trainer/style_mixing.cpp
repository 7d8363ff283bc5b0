#include "style_mixing.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "model/style.h"

namespace cdfss {
namespace {

constexpr double kMixStyleProbability = 0.5;

}  // namespace

at::Tensor mix_style(const at::Tensor& features) {
  if (at::rand({}).item<double>() >= kMixStyleProbability) return features;
  const Style own = style_of(features);
  const std::int64_t count = features.size(0);
  const at::Tensor other = at::randperm(count).to(features.device());
  const at::Tensor share = 1 - beta_draw(count, own.mean.options());
  return restyle(features, own,
                 {at::lerp(own.mean, own.mean.index_select(0, other), share),
                  at::lerp(own.std, own.std.index_select(0, other), share)});
}

at::Tensor mix_up(const at::Tensor& inputs) {
  const std::int64_t count = inputs.size(0);
  std::vector<std::int64_t> shape(inputs.dim(), 1);
  shape[0] = count;
  const at::Tensor draw = beta_draw(count, inputs.options()).view(shape);
  const at::Tensor kept = at::maximum(draw, 1 - draw);
  const at::Tensor other = at::randperm(count).to(inputs.device());
  return at::lerp(inputs.index_select(0, other), inputs, kept);
}

}  // namespace cdfss
