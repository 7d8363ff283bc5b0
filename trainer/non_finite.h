// What a loss that is not finite comes from.
#pragma once

#include <string>

#include "episode_batch.h"
#include "model/asgnet.h"

namespace cdfss {

// Lines for a message, each beginning with a line break: the first parameter or buffer of the
// network that is not finite (an earlier step has broken it then, no episode), else the episodes of
// the batch that alone, in evaluation mode and single precision, lead to features or logits that
// are not finite. Empty when neither tells. Leaves the network in evaluation mode.
std::string non_finite_cause(Asgnet& network, const EpisodeBatch& batch);

}  // namespace cdfss
