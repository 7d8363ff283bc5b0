// Guided prototype allocation: each query pixel gets the prototype most like it (SPEC A7).
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace cdfss {

// What guides the decoder. The features that a pixel's prototype adds to its own (the released
// "guide") are prototypes x choice: they are not made, since all that reads them is linear.
struct Allocation {
  at::Tensor query;        // features [B, C, h, w], or of one image for all
  at::Tensor prototypes;   // [B, C, n], the last 0 where an image has fewer
  at::Tensor choice;       // [B, n, h, w]: 1 for the allocated prototype, else 0
  at::Tensor probability;  // [B, 1, h, w]: sum over prototypes of the cosine
};

// query [B, C, h, w] or of one image, prototypes[i] of image i, [C, n] (all shots concatenated).
// Ties go to the first prototype. Throws Error(kInvalidValue) on shapes that do not fit or n = 0.
Allocation allocate_prototypes(const at::Tensor& query, const std::vector<at::Tensor>& prototypes);

// Cosine of each query pixel with each prototype: query [B, C, h, w], prototypes [C, n] -> [B, n,
// h, w]; norms clamped at 1e-7.
at::Tensor prototype_cosines(const at::Tensor& query, const at::Tensor& prototypes);

}  // namespace cdfss
