#include "model/similarity_prior.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "model/prototype_allocation.h"

namespace cdfss {
namespace {

constexpr int kIterations = 5;

at::Tensor unit_columns(const at::Tensor& x) {
  return x / at::clamp_min(at::linalg_vector_norm(x, 2, 0, true), 1e-7);
}

// One-hot membership [p, k] of unit pixels [C, p] in the clusters of unit centres [C, k].
at::Tensor membership(const at::Tensor& pixels, const at::Tensor& centres) {
  return at::one_hot(pixels.t().matmul(centres).argmax(1), centres.size(1))
      .to(pixels.scalar_type());
}

at::Tensor start_centres(const at::Tensor& pixels, int count) {
  at::Tensor centres = unit_columns(pixels.sum(1, true));
  at::Tensor nearest = pixels.t().matmul(centres).flatten();  // [p]
  while (centres.size(1) < count) {
    const at::Tensor next = pixels.index_select(1, nearest.argmin().view({1}));
    nearest = at::maximum(nearest, pixels.t().matmul(next).flatten());
    centres = at::cat({centres, next}, 1);
  }
  return centres;
}

}  // namespace

at::Tensor cluster_directions(const at::Tensor& features, const at::Tensor& mask, int count) {
  const at::Tensor region = mask.flatten().eq(1).nonzero().flatten();
  if (region.numel() == 0) return at::zeros({features.size(0), 1}, features.options());
  const at::Tensor pixels =
      unit_columns(features.flatten(1).index_select(1, region).to(at::kFloat));  // [C, p]

  at::Tensor members;
  at::Tensor centres;
  {
    at::NoGradGuard no_grad;
    centres =
        start_centres(pixels, static_cast<int>(std::min<std::int64_t>(count, region.numel())));
    for (int i = 0; i <= kIterations; ++i) {
      members = membership(pixels, centres);
      if (i == kIterations) break;
      // A cluster that lost its pixels keeps its place.
      centres = at::where(members.sum(0).gt(0), unit_columns(pixels.matmul(members)), centres);
    }
  }
  const at::Tensor means = unit_columns(pixels.matmul(members));
  return at::where(members.sum(0).gt(0), means, centres).to(features.scalar_type());
}

at::Tensor similarity_prior(const at::Tensor& query, const at::Tensor& object,
                            const at::Tensor& background) {
  return at::cat({prototype_cosines(query, object).amax(1, true),
                  prototype_cosines(query, background).amax(1, true)},
                 1);
}

}  // namespace cdfss
