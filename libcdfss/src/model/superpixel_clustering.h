// Superpixel-guided clustering: a masked region's features to n prototypes (SPEC A6).
#pragma once

#include <ATen/core/Tensor.h>

namespace cdfss {

inline constexpr int kTrainIterations = 10;
inline constexpr int kEvalIterations = 5;

inline constexpr double kMaskEpsilon = 0.0005;  // of the released masked average

// Masked average: sum(features * mask) / (sum(mask) + kMaskEpsilon) over pixels. features [C, h,
// w], mask [h, w] of the same dtype -> [C, 1]. An empty mask gives zeros. Differentiable.
at::Tensor masked_average(const at::Tensor& features, const at::Tensor& mask);

// features [C, h, w], mask [h, w] (region = exactly 1), seeds int64 [n, 2] (row, column on the
// feature grid). n < 2: masked_average. Else `iterations` of soft assignment over pixels, each
// centre moving in feature and position space together. Returns [C, max(n, 1)], differentiable;
// zeros for an empty region. Throws Error(kInvalidValue) on shapes that do not fit.
at::Tensor superpixel_prototypes(const at::Tensor& features, const at::Tensor& mask,
                                 const at::Tensor& seeds, int iterations);

// Support mask at feature size: exact stride-8 subsampling (SPEC A3). mask [..., S, S] -> [..., h,
// h]
at::Tensor subsample_mask(const at::Tensor& mask);

// Label [S, S] of 0, 1, 255 -> [h, h]: subsample_mask, except that an object which falls between
// the samples is kept in every cell that holds a pixel of it, so that small objects are not lost.
at::Tensor support_label(const at::Tensor& label);

}  // namespace cdfss
