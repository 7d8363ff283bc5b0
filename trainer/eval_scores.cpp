#include "eval_scores.h"

#include <algorithm>

namespace cdfss {
namespace {

std::vector<EpisodeScores> at_original_size(const std::vector<EpisodeEvaluation>& runs) {
  return {runs.begin(), runs.end()};
}

std::vector<EpisodeScores> at_network_size(const std::vector<EpisodeEvaluation>& runs) {
  std::vector<EpisodeScores> scores;
  for (const EpisodeEvaluation& run : runs) scores.push_back(run.network_size);
  return scores;
}

// The spread is over the folds here, and not used.
EpisodeScores mean_of(const std::vector<EpisodeScores>& folds) {
  const ScoreSummary summary = summarise(folds);
  EpisodeScores mean{.miou = summary.miou.mean, .fb_iou = summary.fb_iou.mean, .per_class = {}};
  for (const auto& [name, spread] : summary.per_class) mean.per_class[name] = spread.mean;
  return mean;
}

nlohmann::json to_json(const ScoreSummary& summary) {
  nlohmann::json json{{"miou", summary.miou.mean},
                      {"miou_std", summary.miou.deviation},
                      {"fb_iou", summary.fb_iou.mean},
                      {"fb_iou_std", summary.fb_iou.deviation},
                      {"per_class", nlohmann::json::object()},
                      {"per_class_std", nlohmann::json::object()}};
  for (const auto& [name, spread] : summary.per_class) {
    json["per_class"][name] = spread.mean;
    json["per_class_std"][name] = spread.deviation;
  }
  return json;
}

}  // namespace

ScoreSummary summarise(const std::vector<EpisodeScores>& runs) {
  std::vector<double> mious, fb_ious;
  std::map<std::string, std::vector<double>> by_class;
  for (const EpisodeScores& run : runs) {
    mious.push_back(run.miou);
    fb_ious.push_back(run.fb_iou);
    for (const auto& [name, iou] : run.per_class) by_class[name].push_back(iou);
  }
  ScoreSummary summary{.miou = spread_of(mious), .fb_iou = spread_of(fb_ious), .per_class = {}};
  for (const auto& [name, ious] : by_class) summary.per_class[name] = spread_of(ious);
  return summary;
}

SizedSummary summarise(const std::vector<EpisodeEvaluation>& runs) {
  return {.original = summarise(at_original_size(runs)),
          .network = summarise(at_network_size(runs))};
}

SizedSummary summarise_folds(const std::vector<std::vector<EpisodeEvaluation>>& folds) {
  std::size_t runs = folds.empty() ? 0 : folds.front().size();
  for (const auto& fold : folds) runs = std::min(runs, fold.size());
  std::vector<EpisodeScores> original, network;
  for (std::size_t run = 0; run < runs; ++run) {
    std::vector<EpisodeEvaluation> same_run;
    for (const auto& fold : folds) same_run.push_back(fold[run]);
    original.push_back(mean_of(at_original_size(same_run)));
    network.push_back(mean_of(at_network_size(same_run)));
  }
  return {.original = summarise(original), .network = summarise(network)};
}

void put_scores(nlohmann::json& report, const SizedSummary& summary) {
  report.update(to_json(summary.original));
  report["network_size"] = to_json(summary.network);
}

Table score_table(const SizedSummary& summary) {
  Table table("class", {{"IoU"}, {"+-"}, {"IoU, network size"}, {"+-"}});
  const auto add = [&](const std::string& name, const Spread& original, const Spread& network) {
    table.add(name, {original.mean, original.deviation, network.mean, network.deviation});
  };
  for (const auto& [name, spread] : summary.original.per_class) {
    add(name, spread, summary.network.per_class.at(name));
  }
  add("mIoU", summary.original.miou, summary.network.miou);
  add("FB-IoU", summary.original.fb_iou, summary.network.fb_iou);
  return table;
}

}  // namespace cdfss
