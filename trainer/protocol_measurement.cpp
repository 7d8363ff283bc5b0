#include "protocol_measurement.h"

#include "eval_runs.h"
#include "program.h"

namespace cdfss {
namespace {

const FoldPlan& plan_of(const TransferPlan& plan, int fold) {
  for (const FoldPlan& candidate : plan.folds) {
    if (candidate.fold == fold) return candidate;
  }
  throw std::logic_error("fold " + std::to_string(fold) + " was measured without a plan");
}

}  // namespace

SizedSummary TransferMeasurement::summary() const {
  std::vector<std::vector<EpisodeEvaluation>> runs;
  for (const FoldMeasurement& fold : folds) runs.push_back(fold.runs);
  return summarise_folds(runs);
}

int TransferMeasurement::episodes() const {
  int episodes = 0;
  for (const FoldMeasurement& fold : folds) episodes += episodes_of(fold.runs);
  return episodes;
}

double TransferMeasurement::seconds() const {
  double seconds = 0;
  for (const FoldMeasurement& fold : folds) seconds += seconds_of(fold.runs);
  return seconds;
}

bool EpisodeProgressBar::advance() {
  bar_.update(++done_);
  return !interrupted();
}

TransferMeasurement measure_transfer(const TransferPlan& plan, EpisodeProgressBar& bar) {
  TransferMeasurement measurement;
  std::filesystem::path loaded;
  MeasuredModel model;
  for (const FoldPlan& fold : plan.folds) {
    if (interrupted() && bar.done() > 0) break;  // one episode at least: something to report
    if (fold.model != loaded) {
      model = open_model(fold.model, plan.options.device);
      loaded = fold.model;
    }
    const EpisodeEvaluationOptions settings = evaluation_options(plan.options, model.info);
    auto runs = evaluate_runs(model.network, fold.data.dataset, settings, plan.options.runs,
                              [&] { return bar.advance(); });
    measurement.folds.push_back(
        {.fold = fold.fold, .runs = std::move(runs), .settings = settings, .device = model.device});
  }
  return measurement;
}

void put_transfer(nlohmann::json& report, const TransferPlan& plan,
                  const TransferMeasurement& measurement) {
  report["folds"] = nlohmann::json::object();
  report["episodes"] = plan.options.episodes;
  report["runs"] = plan.options.runs;
  report["episodes_measured"] = measurement.episodes();
  if (measurement.folds.empty()) return;
  put_scores(report, measurement.summary());
  put_settings(report, measurement.folds.front().settings, measurement.folds.front().device);
  report["seconds_per_episode"] = measurement.seconds() / measurement.episodes();
  for (const FoldMeasurement& fold : measurement.folds) {
    const FoldPlan& fold_plan = plan_of(plan, fold.fold);
    nlohmann::json& entry = report["folds"][std::to_string(fold.fold)];
    put_scores(entry, summarise(fold.runs));
    entry["model"] = fold_plan.model.string();
    entry["training_source"] = fold_plan.training_source;
    entry["dataset"] = fold_plan.data.spec;
    entry["classes"] = names_in(fold_plan.data.decisions);
    entry["episodes_measured"] = episodes_of(fold.runs);
  }
}

void put_paper_protocol(nlohmann::json& report, const EvalOptions& options,
                        const std::string& caption, const std::vector<std::string>& notes,
                        int episodes_measured) {
  report["protocol"] = options.protocol;
  report["caption"] = caption;
  report["notes"] = notes;
  report["dataset"] = options.data_root.string();
  report["fold_table"] = options.fold_table;
  report["episodes"] = options.episodes;
  report["runs"] = options.runs;
  report["episodes_measured"] = episodes_measured;
}

}  // namespace cdfss
