// A data-dependent start of the channel reduction.
#pragma once

#include <functional>

#include "episode_batch.h"
#include "model/asgnet.h"

namespace cdfss {

// Sets the reduction (down_conv, which must have a bias: a network with the similarity prior) to
// the first 256 principal components of standardised backbone features, so that cosines of reduced
// features are those of the features themselves as far as 256 dimensions can hold them:
//   W = s U^T diag(1/sd), b = -W mu,
// with mu and sd the channels' mean and standard deviation (+ 1e-3) and U the leading eigenvectors
// of their correlation matrix; s makes the root mean square norm of reduced features sqrt(256).
// Padding (label 255) is left out. Draws batches until `images` query images were seen. Throws
// Error(kInvalidValue) on a network without that bias.
void initialise_reduction(Asgnet& network, const std::function<EpisodeBatch()>& next_batch,
                          int images, at::ScalarType precision);

}  // namespace cdfss
