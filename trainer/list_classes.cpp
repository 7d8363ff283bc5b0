#include "list_classes.h"

#include <algorithm>

#include "data/dataset_kinds.h"
#include "eval_measurement.h"
#include "protocol_data.h"

namespace cdfss {
namespace {

// An episode needs another image for its query.
void leave_out_if_rare(ListedClass& entry, int shots) {
  if (!entry.decision.in || !entry.images || *entry.images > shots) return;
  entry.decision.in = false;
  entry.decision.reason = "fewer than the " + std::to_string(shots + 1) +
                          " images that an episode of " + std::to_string(shots) + " shots needs; " +
                          entry.decision.reason;
}

std::string without_fold(const DatasetSpec& spec) {
  std::string text = spec.kind + ":" + spec.root.string();
  for (const auto& [key, value] : spec.options) {
    if (key != "fold") text += "," + key + "=" + value;
  }
  return text;
}

// Without the files where the names are known.
std::vector<std::string> target_names(const Transfer& transfer, int fold,
                                      const EvalOptions& options, ProtocolData& data) {
  if (!options.data_root.empty()) return data.open(transfer, fold)->classes();
  return transfer.target == "pascal" ? voc_class_names() : suim_class_names();
}

Table listing_table(const ClassListing& listing) {
  Table table("class",
              {{.title = "tested", .left = true}, {"images", 0}, {.title = "why", .left = true}});
  for (const ListedClass& entry : listing.classes) {
    table.add_text({entry.decision.name, entry.decision.in ? "yes" : "no",
                    entry.images ? std::to_string(*entry.images) : "-", entry.decision.reason});
  }
  return table;
}

nlohmann::json to_json(const ClassListing& listing) {
  nlohmann::json classes = nlohmann::json::array();
  for (const ListedClass& entry : listing.classes) {
    classes.push_back({{"name", entry.decision.name},
                       {"in", entry.decision.in},
                       {"reason", entry.decision.reason}});
    if (entry.images) classes.back()["images"] = *entry.images;
  }
  return {{"title", listing.title}, {"classes", classes}};
}

}  // namespace

ClassListing list_dataset_classes(const EvalOptions& options) {
  const auto dataset = open_dataset(options.dataset, FoldPart::kTest);
  const DatasetSpec spec = parse_dataset_spec(options.dataset);
  const auto fold = spec.options.find("fold");
  const bool has_fold = fold != spec.options.end();
  const auto all = has_fold ? open_dataset(without_fold(spec), FoldPart::kTest) : dataset;
  const std::vector<int> images = images_of_classes(*all);

  ClassListing listing{.title = options.dataset, .classes = {}};
  for (std::size_t id = 0; id < all->classes().size(); ++id) {
    const std::string& name = all->classes()[id];
    const bool in = std::ranges::find(dataset->classes(), name) != dataset->classes().end();
    const std::string reason = !has_fold ? "every class is tested on without fold=N"
                               : in      ? "fold " + fold->second + " tests it"
                                         : "fold " + fold->second + " does not test it";
    listing.classes.push_back(
        {.decision = {.name = name, .in = in, .reason = reason}, .images = images[id]});
    leave_out_if_rare(listing.classes.back(), options.shots);
  }
  return listing;
}

std::vector<ClassListing> list_transfer_classes(const EvalOptions& options) {
  const Transfer& transfer = transfer_named(options.protocol);
  ProtocolData data(options.data_root);
  if (!options.data_root.empty()) data.require(transfer);
  std::vector<ClassListing> listings;
  for (int fold = 0; fold < transfer.folds; ++fold) {
    if (options.fold.value_or(fold) != fold) continue;
    ClassListing& listing = listings.emplace_back();
    listing.title = transfer.name + ", fold " + std::to_string(fold);
    const auto decisions =
        decide_classes(transfer, fold, target_names(transfer, fold, options, data),
                       options.class_fold_table(), options.keep_classes);
    std::vector<int> images;
    if (!options.data_root.empty()) images = images_of_classes(*data.open(transfer, fold));
    for (std::size_t id = 0; id < decisions.size(); ++id) {
      listing.classes.push_back({.decision = decisions[id], .images = std::nullopt});
      if (!images.empty()) listing.classes.back().images = images[id];
      leave_out_if_rare(listing.classes.back(), options.shots);
    }
  }
  return listings;
}

Measurement list_classes(const EvalOptions& options) {
  std::vector<ClassListing> listings;
  if (options.protocol.empty()) {
    listings.push_back(list_dataset_classes(options));
  } else {
    listings = list_transfer_classes(options);
  }
  Measurement measurement;
  for (const ClassListing& listing : listings) {
    measurement.table += (measurement.table.empty() ? "" : "\n") +
                         heading(listing.title, 3, options.table_style()) +
                         listing_table(listing).text(options.table_style());
    measurement.report["listings"].push_back(to_json(listing));
  }
  measurement.report["dataset"] =
      options.protocol.empty() ? options.dataset : options.data_root.string();
  if (!options.protocol.empty()) {
    measurement.report["protocol"] = options.protocol;
    measurement.report["fold_table"] = options.fold_table;
  }
  measurement.report["shots"] = options.shots;
  return measurement;
}

}  // namespace cdfss
