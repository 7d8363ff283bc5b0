// What cdfss-eval measures, in both forms.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "eval_options.h"

namespace cdfss {

struct Measurement {
  nlohmann::json report;  // all keys of DESIGN 8 but those that every report has
  std::string table;
  bool complete = true;  // false when Ctrl-C ended it early
};

// --dataset: runs of episodes.
Measurement measure_episodes(const EvalOptions& options);
// --video: DAVIS-style sequences.
Measurement measure_videos(const EvalOptions& options);

}  // namespace cdfss
