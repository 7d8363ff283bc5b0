#include "tensor/pairwise_cosine.h"

#include <ATen/ATen.h>

namespace cdfss {
namespace {

at::Tensor unit_rows(const at::Tensor& rows) {
  return rows / at::linalg_vector_norm(rows, 2, 1, /*keepdim=*/true).clamp_min(1e-12);
}

}  // namespace

at::Tensor pairwise_cosine(const at::Tensor& a, const at::Tensor& b) {
  // Not a matrix product: that would run in bfloat16 under autocast, and equal rows would not tie.
  return (unit_rows(a).unsqueeze(1) * unit_rows(b).unsqueeze(0)).sum(2);
}

}  // namespace cdfss
