#include "model/style.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "cdfss/error.h"
#include "tensor/channel_moments.h"

namespace cdfss {
namespace {

constexpr double kStyleEpsilon = 1e-6;
constexpr double kBetaParameter = 0.1;  // of both shapes (SPEC B8)

// [B, C] per-channel values to the shape and dtype that broadcast over `features`.
at::Tensor over_pixels(const at::Tensor& values, const at::Tensor& features) {
  return values.to(features.scalar_type()).unsqueeze(2).unsqueeze(3);
}

}  // namespace

Style style_of(const at::Tensor& features) {
  if (features.dim() != 4 || features.size(2) == 0 || features.size(3) == 0) {
    throw Error(ErrorCode::kInvalidValue, c10::str("style: features are ", features.sizes(),
                                                   ", expected [B, C, H, W] with pixels"));
  }
  const auto [mean, variance] = channel_moments(features);
  return {mean, (variance + kStyleEpsilon).sqrt()};
}

at::Tensor restyle(const at::Tensor& features, const Style& own, const Style& target) {
  at::Tensor scale, shift;
  {
    const at::NoGradGuard no_grad;
    // (x - mean) / std * target_std + target_mean in one pass over the pixels.
    const at::Tensor ratio = target.std / own.std;
    scale = over_pixels(ratio, features);
    shift = over_pixels(target.mean - own.mean * ratio, features);
  }
  return at::addcmul(shift, features, scale);
}

at::Tensor beta_draw(std::int64_t count, const at::TensorOptions& options) {
  // A Dirichlet distribution of two shares is a Beta distribution of the first.
  const auto shapes = at::full({count, 2}, kBetaParameter, options.requires_grad(false));
  return at::_sample_dirichlet(shapes).narrow(1, 0, 1);
}

}  // namespace cdfss
