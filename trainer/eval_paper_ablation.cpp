#include <algorithm>

#include "eval_measurement.h"
#include "paper_tables.h"
#include "protocol_measurement.h"
#include "protocol_notes.h"

namespace cdfss {
namespace {

constexpr double kPercent = 100;
constexpr std::size_t kColumns = 5;  // published; ours and its deviation at both sizes

// One row of the table with the model that the command line gives for it.
struct RowPlan {
  const PaperVariant* variant = nullptr;
  std::string model;  // a file or a pattern
  TransferPlan plan;
};

// The pattern after "KEY=", empty if the row has no model.
std::string row_model(const EvalOptions& options, const std::string& key) {
  for (const std::string& row : options.row_models) {
    if (row.starts_with(key + "=")) return row.substr(key.size() + 1);
  }
  return {};
}

std::vector<RowPlan> plan_rows(const EvalOptions& options, const PaperAblation& ablation) {
  std::vector<RowPlan> rows;
  if (options.row_models.empty()) return rows;
  ProtocolData data(options.data_root);
  for (const PaperVariant& variant : ablation.variants) {
    const std::string model = row_model(options, variant.key);
    if (model.empty()) continue;
    rows.push_back({.variant = &variant,
                    .model = model,
                    .plan = plan_transfer(options, transfer_named(ablation.transfer), model,
                                          ablation.shots, data)});
  }
  return rows;
}

// Means and deviations over the folds; dashes for a row that Ctrl-C left without all of its folds.
void append_ours(std::vector<std::optional<double>>& cells, const RowPlan& row,
                 const TransferMeasurement& measured) {
  if (measured.folds.size() < row.plan.folds.size()) {
    cells.resize(kColumns);
    return;
  }
  const SizedSummary ours = measured.summary();
  for (const Spread& miou : {ours.network.miou, ours.original.miou}) {
    cells.emplace_back(miou.mean * kPercent);
    cells.emplace_back(miou.deviation * kPercent);
  }
}

}  // namespace

Measurement measure_paper_ablation(const EvalOptions& options) {
  const PaperAblation& ablation = *find_paper_ablation(options.protocol);
  const std::vector<RowPlan> rows = plan_rows(options, ablation);
  int wanted = 0;
  for (const RowPlan& row : rows) wanted += row.plan.episodes();

  EpisodeProgressBar bar(wanted);
  Measurement measurement;
  nlohmann::json& report = measurement.report;
  report["rows"] = nlohmann::json::array();
  std::vector<std::string> notes{
      "Published: as the paper prints them, in %. Ours: mIoU in %, only for rows with a "
      "--row-model."};
  std::vector<NamedNotes> row_notes;
  if (options.fold) {
    notes.push_back("Ours is fold " + std::to_string(*options.fold) +
                    " alone, published the mean of the four.");
  }
  Table table("row", {{"published", 1},
                      {"ours, network size", 1},
                      {"+-", 1},
                      {"ours, original size", 1},
                      {"+-", 1}});
  for (const PaperVariant& variant : ablation.variants) {
    nlohmann::json entry{
        {"key", variant.key}, {"label", variant.label}, {"published", variant.mean}};
    std::vector<std::optional<double>> cells{variant.mean};
    const auto row = std::ranges::find(rows, &variant, &RowPlan::variant);
    if (row == rows.end()) {
      cells.resize(kColumns);
    } else {
      const TransferMeasurement measured = measure_transfer(row->plan, bar);
      append_ours(cells, *row, measured);
      put_transfer(entry["ours"], row->plan, measured);
      entry["ours"]["model"] = row->model;
      row_notes.push_back({.name = variant.key, .notes = protocol_notes(row->plan)});
    }
    report["rows"].push_back(entry);
    table.add(variant.key + ": " + variant.label, cells);
  }
  bar.clear();
  for (std::string& note : merge_notes(row_notes)) notes.push_back(std::move(note));

  measurement.complete = bar.done() == wanted;
  const TableStyle style = options.table_style();
  measurement.table =
      heading(ablation.caption, 2, style) + table.text(style) + "\n" + notes_text(notes, style);
  put_paper_protocol(report, options, ablation.caption, notes, bar.done());
  report["model"] = options.row_models;
  report["shots"] = ablation.shots;
  return measurement;
}

}  // namespace cdfss
