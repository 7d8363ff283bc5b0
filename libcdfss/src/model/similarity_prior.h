// A training-free estimate of where the object is: query pixels that look more like the labelled
// object than like the labelled background. Not in the paper: with it, training starts from a
// working segmenter instead of from an all-background answer, and the background's own variety is
// used.
#pragma once

#include <ATen/core/Tensor.h>

namespace cdfss {

// Directions that cover a masked region: spherical k-means, started at the region's mean direction
// and then at the pixels least like the centres so far. features [C, h, w], mask [h, w] (region =
// exactly 1) -> unit vectors [C, k], k = min(count, region's pixels); zeros [C, 1] for an empty
// region. Which pixel belongs to which cluster carries no gradient, the clusters' means do.
at::Tensor cluster_directions(const at::Tensor& features, const at::Tensor& mask, int count);

// Highest cosine of each query pixel with the object's and with the background's directions:
// query [B, C, h, w], [C, n], [C, m] -> [B, 2, h, w].
at::Tensor similarity_prior(const at::Tensor& query, const at::Tensor& object,
                            const at::Tensor& background);

}  // namespace cdfss
