// Measures a cross-domain task fold by fold.
#pragma once

#include <c10/core/Device.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "episode_evaluation.h"
#include "eval_scores.h"
#include "progress_bar.h"
#include "protocol_plan.h"

namespace cdfss {

struct FoldMeasurement {
  int fold = 0;
  std::vector<EpisodeEvaluation> runs;
  EpisodeEvaluationOptions settings;
  c10::Device device{c10::kCPU};
};

// Folds that were begun, in the plan's order: all of them unless Ctrl-C came.
struct TransferMeasurement {
  std::vector<FoldMeasurement> folds;

  SizedSummary summary() const;  // over the folds (summarise_folds)
  int episodes() const;
  double seconds() const;
};

// Episodes of several tasks on one bar.
class EpisodeProgressBar {
 public:
  explicit EpisodeProgressBar(int total) : bar_(total, "episodes") {}
  // False when Ctrl-C came.
  bool advance();
  void clear() { bar_.clear(); }
  int done() const { return done_; }

 private:
  ProgressBar bar_;
  int done_ = 0;
};

TransferMeasurement measure_transfer(const TransferPlan& plan, EpisodeProgressBar& bar);

// put_scores over the folds and, by fold, under `folds`; there also `model`, `training_source`,
// `dataset`, `classes`, `episodes_measured`. With `runs`, `episodes` (a run), `episodes_measured`,
// `seconds_per_episode` and, of the first fold, what put_settings writes. Nothing if no fold was
// begun.
void put_transfer(nlohmann::json& report, const TransferPlan& plan,
                  const TransferMeasurement& measurement);

// What the report of one of the paper's tables says beside its numbers: `protocol`, `caption`,
// `notes`, `dataset`, `fold_table`, `episodes` (a run), `runs`, `episodes_measured`.
void put_paper_protocol(nlohmann::json& report, const EvalOptions& options,
                        const std::string& caption, const std::vector<std::string>& notes,
                        int episodes_measured);

}  // namespace cdfss
