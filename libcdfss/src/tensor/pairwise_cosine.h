// Cosine similarity between the rows of two matrices.
#pragma once

#include <ATen/core/Tensor.h>

namespace cdfss {

// a [A, C], b [B, C] of one dtype -> [A, B] in [-1, 1]; 0 where a row is zero. Differentiable.
at::Tensor pairwise_cosine(const at::Tensor& a, const at::Tensor& b);

}  // namespace cdfss
