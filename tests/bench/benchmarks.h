// cdfss-bench's Google Benchmarks.
#pragma once

#include "bench_options.h"

namespace cdfss::bench {

// Registers every stage at sides 241, 321, 401 and 473, and whole frames by side, shots, classes
// and frame size, for the precisions that the device has.
void register_benchmarks(const Options& options);

}  // namespace cdfss::bench
