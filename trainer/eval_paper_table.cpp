#include "eval_measurement.h"
#include "paper_tables.h"
#include "protocol_measurement.h"
#include "protocol_notes.h"

namespace cdfss {
namespace {

constexpr double kPercent = 100;

// Our row: mIoU in percent, missing where nothing was measured.
struct OurRow {
  std::array<std::optional<double>, kPaperFolds> folds;
  std::optional<Spread> mean;  // of all folds
};

OurRow our_row(const TransferMeasurement& measurement, ScoreSummary SizedSummary::* size) {
  OurRow row;
  for (const FoldMeasurement& fold : measurement.folds) {
    row.folds[fold.fold] = (summarise(fold.runs).*size).miou.mean * kPercent;
  }
  if (measurement.folds.size() == kPaperFolds) {
    const Spread miou = (measurement.summary().*size).miou;
    row.mean = Spread{.mean = miou.mean * kPercent, .deviation = miou.deviation * kPercent};
  }
  return row;
}

using FoldValues = std::array<std::optional<double>, kPaperFolds>;

std::vector<std::optional<double>> cells(const FoldValues& folds, std::optional<double> mean,
                                         std::optional<double> deviation) {
  std::vector<std::optional<double>> values(folds.begin(), folds.end());
  values.push_back(mean);
  values.push_back(deviation);
  return values;
}

Table section_table(const PublishedSection& section, const TransferPlan& plan,
                    const TransferMeasurement& measurement) {
  Table table("method",
              {{"split0", 1}, {"split1", 1}, {"split2", 1}, {"split3", 1}, {"mean", 1}, {"+-", 1}});
  for (const PublishedRow& row : section.rows) {
    table.add(row.method + ", " + row.backbone, cells(row.folds, row.mean, std::nullopt));
  }
  const std::string ours = "ours, " + plan.folds.front().info.backbone;
  const auto add = [&](const std::string& size, ScoreSummary SizedSummary::* member) {
    const OurRow row = our_row(measurement, member);
    table.add(ours + ", " + size,
              cells(row.folds, row.mean ? std::optional(row.mean->mean) : std::nullopt,
                    row.mean ? std::optional(row.mean->deviation) : std::nullopt));
  };
  add("network size", &SizedSummary::network);
  add("original size", &SizedSummary::original);
  return table;
}

nlohmann::json published_json(const PublishedSection& section) {
  nlohmann::json rows = nlohmann::json::array();
  for (const PublishedRow& row : section.rows) {
    nlohmann::json folds = nlohmann::json::array();
    for (const auto& fold : row.folds) folds.push_back(fold ? nlohmann::json(*fold) : nullptr);
    rows.push_back(
        {{"method", row.method}, {"backbone", row.backbone}, {"folds", folds}, {"mean", row.mean}});
  }
  return rows;
}

std::vector<TransferPlan> plan_sections(const EvalOptions& options, const PaperTable& table) {
  ProtocolData data(options.data_root);
  // Every folder before the first dataset is read.
  for (const PublishedSection& section : table.sections) {
    data.require(transfer_named(section.transfer));
  }
  std::vector<TransferPlan> plans;
  for (const PublishedSection& section : table.sections) {
    plans.push_back(plan_transfer(options, transfer_named(section.transfer), options.model.string(),
                                  section.shots, data));
  }
  return plans;
}

}  // namespace

Measurement measure_paper_table(const EvalOptions& options) {
  const PaperTable& table = *find_paper_table(options.protocol);
  const std::vector<TransferPlan> plans = plan_sections(options, table);
  int wanted = 0;
  for (const TransferPlan& plan : plans) wanted += plan.episodes();

  EpisodeProgressBar bar(wanted);
  const TableStyle style = options.table_style();
  Measurement measurement;
  nlohmann::json& report = measurement.report;
  std::string tables;
  std::vector<std::string> notes{
      "Published rows: as the paper prints them. Ours is beside them for orientation; what follows "
      "says where data and protocol differ."};
  std::vector<NamedNotes> section_notes;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const PublishedSection& section = table.sections[i];
    const TransferMeasurement measured = measure_transfer(plans[i], bar);
    tables += heading(section.title, 3, style) +
              section_table(section, plans[i], measured).text(style) + "\n";
    nlohmann::json ours;
    put_transfer(ours, plans[i], measured);
    report["sections"].push_back({{"title", section.title},
                                  {"transfer", section.transfer},
                                  {"shots", section.shots},
                                  {"published", published_json(section)},
                                  {"ours", ours}});
    section_notes.push_back({.name = section.title, .notes = protocol_notes(plans[i])});
  }
  bar.clear();
  for (std::string& note : merge_notes(section_notes)) notes.push_back(std::move(note));

  measurement.complete = bar.done() == wanted;
  measurement.table = heading(table.caption, 2, style) + tables + notes_text(notes, style);
  put_paper_protocol(report, options, table.caption, notes, bar.done());
  return measurement;
}

}  // namespace cdfss
