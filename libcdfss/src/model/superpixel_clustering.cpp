#include "model/superpixel_clustering.h"

#include <ATen/ATen.h>

#include <string>

#include "cdfss/error.h"

namespace cdfss {
namespace {

constexpr double kPositionWeight = 0.01;  // squared distances on the grid count 1/100
constexpr double kLeastSquare = 1e-12;    // of a distance

void check_shapes(const at::Tensor& features, const at::Tensor& mask) {
  if (features.dim() != 3 || mask.dim() != 2 || features.size(1) != mask.size(0) ||
      features.size(2) != mask.size(1)) {
    throw Error(ErrorCode::kInvalidValue,
                "superpixel clustering: features " + c10::str(features.sizes()) + " and mask " +
                    c10::str(mask.sizes()) + ", expected [C, h, w] and [h, w]");
  }
}

}  // namespace

at::Tensor masked_average(const at::Tensor& features, const at::Tensor& mask) {
  check_shapes(features, mask);
  const at::Tensor weights = mask.to(features.scalar_type());
  return (features * weights).sum({1, 2}).div(weights.sum() + kMaskEpsilon).unsqueeze(1);
}

at::Tensor superpixel_prototypes(const at::Tensor& features, const at::Tensor& mask,
                                 const at::Tensor& seeds, int iterations) {
  check_shapes(features, mask);
  if (seeds.dim() != 2 || seeds.size(1) != 2) {
    throw Error(ErrorCode::kInvalidValue,
                "superpixel clustering: seeds " + c10::str(seeds.sizes()) + ", expected [n, 2]");
  }
  if (seeds.size(0) < 2) return masked_average(features, mask);

  const at::Tensor flat = features.flatten(1).t();                     // [h*w, C]
  const at::Tensor region = mask.flatten().eq(1).nonzero().flatten();  // [k]
  if (region.numel() == 0) return at::zeros({features.size(0), seeds.size(0)}, features.options());

  // Rows are (feature, y, x): features and positions are clustered together.
  const auto width = features.size(2);
  const auto row_and_column = [&](const at::Tensor& rows, const at::Tensor& columns) {
    return at::stack({rows, columns}, 1).to(features.scalar_type());
  };
  const at::Tensor pixels = flat.index_select(0, region);  // [k, C]
  const at::Tensor positions =
      row_and_column(at::floor_divide(region, width), at::remainder(region, width));  // [k, 2]
  const at::Tensor start = seeds.to(features.device());
  at::Tensor centres = flat.index_select(0, start.select(1, 0) * width + start.select(1, 1));
  at::Tensor places = row_and_column(start.select(1, 0), start.select(1, 1));  // [n, 2]

  // |a - b|^2 = |a|^2 + |b|^2 - 2ab would be faster but loses the small distances that matter here.
  for (int i = 0; i < iterations; ++i) {
    const at::Tensor feature_distance =
        (pixels.unsqueeze(1) - centres.unsqueeze(0)).square().sum(2);  // [k, n]
    const at::Tensor position_distance =
        (positions.unsqueeze(1) - places.unsqueeze(0)).square().sum(2);
    // Not quite 0 at a seed, where the root has no slope.
    const at::Tensor distance =
        (feature_distance + position_distance * kPositionWeight).clamp_min(kLeastSquare).sqrt();
    // Over pixels: centres do not compete for them.
    const at::Tensor assignment = at::softmax(-distance, 0).t();  // [n, k]
    centres = assignment.matmul(pixels);
    places = assignment.matmul(positions);
  }
  return centres.t().contiguous();
}

at::Tensor subsample_mask(const at::Tensor& mask) {
  return mask.slice(-2, 0, c10::nullopt, 8).slice(-1, 0, c10::nullopt, 8);
}

at::Tensor support_label(const at::Tensor& label) {
  const at::Tensor sampled = subsample_mask(label);
  if (sampled.eq(1).any().item<bool>()) return sampled;
  const at::Tensor object = label.eq(1).to(at::kFloat).unsqueeze(0).unsqueeze(0);
  const auto [held, where] = at::adaptive_max_pool2d(object, sampled.sizes());
  return at::where(held[0][0].gt(0), at::ones_like(sampled), sampled);
}

}  // namespace cdfss
