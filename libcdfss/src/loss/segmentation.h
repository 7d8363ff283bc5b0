// Pixel-wise loss of the released code (SPEC A9).
#pragma once

#include "model/feature_enrichment.h"

namespace cdfss {

struct SegmentationLoss {
  at::Tensor main;       // cross entropy of the logits at label size, mean over valid pixels
  at::Tensor auxiliary;  // mean of the inner heads' cross entropies; 0 without inner logits
};

// labels int64 [B, S, S] of 0, 1, 255 (ignored). Logits are resized with align_corners = true. Means
// are weighted: a foreground pixel counts `foreground_weight` times, above 0; 1 as released. A batch
// with no valid pixel gives 0 with gradient 0.
SegmentationLoss segmentation_loss(const Enriched& output, const at::Tensor& labels,
                                   double foreground_weight = 1);

}  // namespace cdfss
