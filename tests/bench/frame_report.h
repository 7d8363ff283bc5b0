// What `cdfss-bench --frame` prints.
#pragma once

#include <nlohmann/json.hpp>

#include "bench_options.h"

namespace cdfss::bench {

// Times of a frame from host pixels to host mask, of its stages against the machine's limits, and
// memory; keys as in tests/bench/README.md.
nlohmann::json frame_report(const Options& options);

}  // namespace cdfss::bench
