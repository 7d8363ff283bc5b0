// Guided prototype allocation: each query pixel gets the prototype most like it (SPEC A7).
#pragma once

#include <ATen/core/Tensor.h>

namespace cdfss {

struct Allocation {
  at::Tensor guide;        // [B, 2C, h, w]: query features, allocated prototype
  at::Tensor probability;  // [B, 1, h, w]: sum over prototypes of the cosine
};

// query [B, C, h, w], prototypes [C, n] (all shots concatenated). Ties go to the first prototype.
// Throws Error(kInvalidValue) on shapes that do not fit or n = 0.
Allocation allocate_prototypes(const at::Tensor& query, const at::Tensor& prototypes);

// Cosine of each query pixel with each prototype: [B, n, h, w]; norms clamped at 1e-7.
at::Tensor prototype_cosines(const at::Tensor& query, const at::Tensor& prototypes);

}  // namespace cdfss
