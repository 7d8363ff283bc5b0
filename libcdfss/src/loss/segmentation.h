// Pixel-wise loss of the released code (SPEC A9).
#pragma once

#include "model/feature_enrichment.h"

namespace cdfss {

struct SegmentationLoss {
  at::Tensor main;       // cross entropy of the logits at label size, mean over valid pixels
  at::Tensor auxiliary;  // mean of the inner heads' cross entropies; 0 without inner logits
};

// labels int64 [B, S, S] of 0, 1, 255 (ignored). Logits are resized with align_corners = true.
// Means are weighted: a foreground pixel counts `foreground_weight` times, above 0; 1 as released.
// A batch with no valid pixel gives 0 with gradient 0.
SegmentationLoss segmentation_loss(const Enriched& output, const at::Tensor& labels,
                                   double foreground_weight = 1);
// The same as sums over `total_weight` (scalar, above 0) instead of means, for a part of a batch
// whose weights add up to that.
SegmentationLoss segmentation_loss(const Enriched& output, const at::Tensor& labels,
                                   double foreground_weight, const at::Tensor& total_weight);
// Sum of the valid pixels' weights, float scalar.
at::Tensor total_pixel_weight(const at::Tensor& labels, double foreground_weight);

}  // namespace cdfss
