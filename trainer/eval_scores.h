// Scores of seeded runs as means with standard deviations, in a report and in a table.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "episode_evaluation.h"
#include "report.h"

namespace cdfss {

struct ScoreSummary {
  Spread miou, fb_iou;                      // 0..1, over runs
  std::map<std::string, Spread> per_class;  // over the runs that drew the class
};

// The same episodes scored in both ways (see EpisodeEvaluation).
struct SizedSummary {
  ScoreSummary original;
  ScoreSummary network;
};

ScoreSummary summarise(const std::vector<EpisodeScores>& runs);
SizedSummary summarise(const std::vector<EpisodeEvaluation>& runs);

// Run i over all folds: the mean of their i-th runs, then the spread over runs. A class that
// several folds test on counts as the mean of those. Runs that not every fold has do not count.
SizedSummary summarise_folds(const std::vector<std::vector<EpisodeEvaluation>>& folds);

// `miou`, `miou_std`, `fb_iou`, `fb_iou_std`, `per_class` and `per_class_std` at the original size;
// the same keys at the network's under `network_size`.
void put_scores(nlohmann::json& report, const SizedSummary& summary);

// A row a class, then mIoU and FB-IoU; each at the original and at the network's size.
Table score_table(const SizedSummary& summary);

}  // namespace cdfss
