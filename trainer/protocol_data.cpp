#include "protocol_data.h"

#include <algorithm>

#include "cdfss/error.h"

namespace cdfss {
namespace {

// By target kind: the sub-folder of the data root, and what it must hold.
struct Place {
  const char* folder;
  const char* content;
};
const std::map<std::string, Place>& places() {
  static const std::map<std::string, Place> kPlaces{
      {"pascal", {"VOCdevkit/VOC2012", "PASCAL VOC 2012 as it is unpacked"}},
      {"fss", {"fss-1000", "FSS-1000 with a folder for each class"}},
      {"suim", {"SUIM", "SUIM with train_val and TEST"}}};
  return kPlaces;
}

}  // namespace

std::filesystem::path ProtocolData::folder(const Transfer& transfer) const {
  return root_ / places().at(transfer.target).folder;
}

void ProtocolData::require(const Transfer& transfer) const {
  std::error_code error;
  if (std::filesystem::is_directory(folder(transfer), error)) return;
  throw Error(ErrorCode::kNotFound, "--data-root " + root_.string() + ": " + transfer.name +
                                        " expects " + folder(transfer).string() + ", " +
                                        places().at(transfer.target).content);
}

std::string ProtocolData::spec(const Transfer& transfer, int fold) const {
  std::string text = transfer.target + ":" + folder(transfer).string();
  if (transfer.target == "fss") text += ",fold=" + std::to_string(fold);
  // As they are released, both have masks that are no masks; see docs/datasets.md.
  return transfer.target == "pascal" ? text : text + ",repair=1";
}

std::shared_ptr<const Dataset> ProtocolData::open(const Transfer& transfer, int fold) {
  auto& dataset = opened_[spec(transfer, fold)];
  if (!dataset) dataset = open_dataset(spec(transfer, fold), FoldPart::kTest);
  return dataset;
}

std::vector<ClassDecision> decide_classes(const Transfer& transfer, int fold,
                                          const std::vector<std::string>& target_class_names,
                                          FoldTable table, const std::vector<std::string>& keep) {
  std::vector<ClassDecision> decisions = target_classes(transfer, fold, target_class_names, table);
  for (const std::string& name : keep) {
    const auto found = std::ranges::find(decisions, name, &ClassDecision::name);
    if (found == decisions.end()) {
      throw Error(ErrorCode::kInvalidValue,
                  "--keep-classes: " + transfer.target + " has no class '" + name + "'");
    }
    if (found->in) continue;
    found->in = true;
    found->reason = "kept as asked for, although: " + found->reason;
  }
  return decisions;
}

std::vector<std::string> names_in(const std::vector<ClassDecision>& decisions) {
  std::vector<std::string> names;
  for (const ClassDecision& decision : decisions) {
    if (decision.in) names.push_back(decision.name);
  }
  return names;
}

std::vector<int> images_of_classes(const Dataset& dataset) {
  std::vector<int> counts(dataset.classes().size());
  for (int image = 0; image < dataset.size(); ++image) {
    for (const int class_id : dataset.classes_in(image)) ++counts[class_id];
  }
  return counts;
}

}  // namespace cdfss
