#include <optional>

#include "eval_measurement.h"
#include "protocol_measurement.h"
#include "protocol_notes.h"

namespace cdfss {
namespace {

// A row a fold and one for their mean: what papers' tables show.
Table fold_table(const TransferMeasurement& measurement) {
  Table table(
      "fold",
      {{"mIoU"}, {"+-"}, {"mIoU, network size"}, {"+-"}, {"FB-IoU"}, {"FB-IoU, network size"}});
  const auto add = [&](const std::string& name, const SizedSummary& summary) {
    table.add(name, {summary.original.miou.mean, summary.original.miou.deviation,
                     summary.network.miou.mean, summary.network.miou.deviation,
                     summary.original.fb_iou.mean, summary.network.fb_iou.mean});
  };
  for (const FoldMeasurement& fold : measurement.folds) {
    add(std::to_string(fold.fold), summarise(fold.runs));
  }
  if (measurement.folds.size() > 1) add("mean", measurement.summary());
  return table;
}

}  // namespace

Measurement measure_protocol(const EvalOptions& options) {
  ProtocolData data(options.data_root);
  const TransferPlan plan = plan_transfer(options, transfer_named(options.protocol),
                                          options.model.string(), options.shots, data);
  EpisodeProgressBar bar(plan.episodes());
  const TransferMeasurement measured = measure_transfer(plan, bar);
  bar.clear();

  Measurement measurement;
  measurement.complete = bar.done() == plan.episodes();
  const std::vector<std::string> notes = protocol_notes(plan);
  const TableStyle style = options.table_style();
  measurement.table = fold_table(measured).text(style) + "\n" +
                      score_table(measured.summary()).text(style) + "\n" + notes_text(notes, style);
  nlohmann::json& report = measurement.report;
  put_transfer(report, plan, measured);
  report["protocol"] = options.protocol;
  report["shots"] = options.shots;
  report["dataset"] = plan.folds.front().data.spec;
  report["fold_table"] = options.fold_table;
  report["notes"] = notes;
  return measurement;
}

}  // namespace cdfss
