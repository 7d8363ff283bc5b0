// Which devices can record and repeat computations.
#pragma once

#include <c10/core/Device.h>

#include "captured_runs.h"

namespace cdfss {

// Makes CUDA graphs in builds that found LibTorch's and CUDA's headers for them; empty elsewhere.
// LibTorch's own interface for graphs of any device (ATen/accelerator/Graph.h, from 2.13) has none
// for CUDA.
GraphFactory graph_factory(c10::Device device);

}  // namespace cdfss
