// Memory-enhanced contrastive loss between category prototypes (paper 4.2, SPEC B11-B15).
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace cdfss {

// Mean prototype of each category in the batch: rows of `prototypes` [B, C] with the same class id
// are averaged (SPEC B13). Returns [categories, C] in order of first appearance; with gradient.
at::Tensor average_by_class(const at::Tensor& prototypes, const std::vector<int>& class_ids);

// Eq. 9-11 on prototypes of the support (`anchors`, p_b) and of its transformed view (`positives`,
// p_t), both [B, C], row i of both being category i: anchors p_b only, factor 1/(2B), cosine over
// temperature, self-pairs left out of both negative sums (B14). Scalar; zero without gradient when
// B < 2. Throws Error(kInvalidValue) on mismatched shapes or temperature <= 0.
at::Tensor contrastive_loss(const at::Tensor& anchors, const at::Tensor& positives,
                            double temperature = 1.0);

}  // namespace cdfss
