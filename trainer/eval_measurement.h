// What cdfss-eval measures or draws, one function a mode.
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
// --protocol of a source and a target: their folds.
Measurement measure_protocol(const EvalOptions& options);
// --protocol paper-table1..3: the published rows and ours.
Measurement measure_paper_table(const EvalOptions& options);
// --protocol paper-table4..6: the published means and those of the row models.
Measurement measure_paper_ablation(const EvalOptions& options);
// --list-classes; measures nothing.
Measurement list_classes(const EvalOptions& options);
// --figure: writes options.output.
Measurement draw_mask_figure(const EvalOptions& options);
Measurement draw_prototype_figure(const EvalOptions& options);

}  // namespace cdfss
