#include "model/prototype_allocation.h"

#include <ATen/ATen.h>

#include "cdfss/error.h"

namespace cdfss {
namespace {

constexpr double kNormFloor = 1e-7;

}  // namespace

at::Tensor prototype_cosines(const at::Tensor& query, const at::Tensor& prototypes) {
  if (query.dim() != 4 || prototypes.dim() != 2 || query.size(1) != prototypes.size(0) ||
      prototypes.size(1) == 0) {
    throw Error(ErrorCode::kInvalidValue, "prototype allocation: query " + c10::str(query.sizes()) +
                                              " and prototypes " + c10::str(prototypes.sizes()) +
                                              ", expected [B, C, h, w] and [C, n > 0]");
  }
  const at::Tensor unit =
      prototypes / at::clamp_min(at::linalg_vector_norm(prototypes, 2, 0, true), kNormFloor);
  const at::Tensor norms = at::clamp_min(at::linalg_vector_norm(query, 2, 1, true), kNormFloor);
  // A 1x1 convolution is the product of every pixel with every prototype.
  return at::conv2d(query, unit.t().unsqueeze(2).unsqueeze(3)) / norms;
}

Allocation allocate_prototypes(const at::Tensor& query, const at::Tensor& prototypes) {
  const at::Tensor cosines = prototype_cosines(query, prototypes);  // [B, n, h, w]
  at::Tensor guide;
  if (prototypes.size(1) == 1) {
    guide = prototypes.view({1, -1, 1, 1}).expand_as(query);
  } else {
    const at::Tensor best = cosines.argmax(1);  // [B, h, w], first maximum
    guide = prototypes.t().index({best}).permute({0, 3, 1, 2});
  }
  return {at::cat({query, guide}, 1), cosines.sum(1, true)};
}

}  // namespace cdfss
