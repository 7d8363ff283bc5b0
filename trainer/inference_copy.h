// A fast copy of a network in training, to look at what it has learnt.
#pragma once

#include "model/asgnet.h"

namespace cdfss {

// The same network on the same device, made ready by prepare_inference(dtype). Shares no memory.
Asgnet inference_copy(Asgnet& network, at::ScalarType dtype);

}  // namespace cdfss
