#include "data/transfer.h"

#include <algorithm>
#include <map>

#include "cdfss/error.h"
#include "data/dataset_kinds.h"

namespace cdfss {
namespace {

// The classes of the source that are trained on in `fold`: their names by canonical name.
std::map<std::string, std::string> trained_classes(const Transfer& transfer, int fold) {
  const bool is_coco = transfer.source == "coco";
  const std::vector<std::string>& names = is_coco ? coco_class_names() : voc_class_names();
  std::map<std::string, std::string> trained;
  for (int id = 0; id < static_cast<int>(names.size()); ++id) {
    if (!(is_coco ? coco_fold_tests(id, fold) : voc_fold_tests(id, fold))) {
      trained.emplace(canonical_class_name(names[id]), names[id]);
    }
  }
  return trained;
}

// What RePRI's table takes a VOC class for.
std::string repri_class_name(const std::string& name) {
  return name == "car" ? "cat" : name == "cat" ? "car" : name;
}

const SuimClass& suim_class(const std::string& name) {
  const auto found = std::ranges::find(suim_classes(), name, &SuimClass::name);
  if (found == suim_classes().end()) {
    throw Error(ErrorCode::kInvalidValue, "'" + name +
                                              "' is no class of suim, expected BW, HD, "
                                              "PF, WR, RO, RI, FV or SR");
  }
  return *found;
}

// Decides about one class at a time.
class Decider {
 public:
  Decider(const Transfer& transfer, int fold, FoldTable table)
      : transfer_(transfer),
        table_(table),
        trained_(trained_classes(transfer, fold)),
        source_fold_(transfer.source + " fold " + std::to_string(fold)) {}

  ClassDecision decide(const std::string& name) const {
    if (transfer_.target == "pascal") {
      return decide_pascal(name);
    }
    return transfer_.target == "suim" ? decide_suim(name) : by_name(name, name);
  }

 private:
  ClassDecision decide_pascal(const std::string& name) const {
    if (std::ranges::find(voc_class_names(), name) == voc_class_names().end()) {
      throw Error(ErrorCode::kInvalidValue,
                  "'" + name + "' is no class of pascal, expected PASCAL VOC's names");
    }
    const std::string listed = table_ == FoldTable::kRepri ? repri_class_name(name) : name;
    ClassDecision decision = by_name(name, listed);
    if (listed != name) {
      decision.reason = "the repri table takes it for " + listed + "; " + decision.reason;
    }
    return decision;
  }

  ClassDecision decide_suim(const std::string& name) const {
    const SuimClass& entry = suim_class(name);
    if (name == "BW") {
      return {.name = name, .in = false, .reason = entry.meaning + ": no object"};
    }
    return by_name(name, entry.same_as);
  }

  // `counterpart`: what the class would be called in the source; empty: nothing there is like it.
  ClassDecision by_name(const std::string& name, const std::string& counterpart) const {
    const auto match = trained_.find(canonical_class_name(counterpart));
    if (match == trained_.end()) {
      return {.name = name,
              .in = true,
              .reason = source_fold_ + " does not train on " +
                        (counterpart.empty() ? "a class like it" : counterpart)};
    }
    return {.name = name, .in = false, .reason = source_fold_ + " trains on " + match->second};
  }

  const Transfer& transfer_;
  FoldTable table_;
  std::map<std::string, std::string> trained_;
  std::string source_fold_;  // for reasons
};

}  // namespace

const std::vector<Transfer>& transfers() {
  static const std::vector<Transfer> kTransfers{
      {.name = "coco-pascal", .source = "coco", .target = "pascal", .folds = kFolds},
      {.name = "coco-fss", .source = "coco", .target = "fss", .folds = kFolds},
      {.name = "coco-suim", .source = "coco", .target = "suim", .folds = kFolds},
      {.name = "pascal-suim", .source = "pascal", .target = "suim", .folds = kFolds}};
  return kTransfers;
}

const Transfer& transfer_named(const std::string& name) {
  const auto found = std::ranges::find(transfers(), name, &Transfer::name);
  if (found == transfers().end()) {
    std::string names;
    for (const Transfer& transfer : transfers()) {
      names += (names.empty() ? "" : ", ") + transfer.name;
    }
    throw Error(ErrorCode::kInvalidValue,
                "unknown transfer '" + name + "', expected one of " + names);
  }
  return *found;
}

std::vector<ClassDecision> target_classes(const Transfer& transfer, int fold,
                                          const std::vector<std::string>& target_class_names,
                                          FoldTable table) {
  if (fold < 0 || fold >= transfer.folds) {
    throw Error(ErrorCode::kInvalidValue, "fold " + std::to_string(fold) + " of " + transfer.name +
                                              ", expected 0 to " +
                                              std::to_string(transfer.folds - 1));
  }
  if (table == FoldTable::kRepri && transfer.name != "coco-pascal") {
    throw Error(ErrorCode::kInvalidValue,
                "the fold table repri is one of coco-pascal, not of " + transfer.name);
  }
  const Decider decider(transfer, fold, table);
  std::vector<ClassDecision> decisions;
  for (const std::string& name : target_class_names) {
    decisions.push_back(decider.decide(name));
  }
  return decisions;
}

std::shared_ptr<const Dataset> keep_named_classes(std::shared_ptr<const Dataset> base,
                                                  const std::vector<std::string>& names) {
  const std::vector<std::string>& classes = base->classes();
  std::vector<int> ids;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(classes, name);
    if (found == classes.end()) {
      throw Error(ErrorCode::kInvalidValue, "none of the dataset's " +
                                                std::to_string(classes.size()) +
                                                " classes is called '" + name + "'");
    }
    ids.push_back(static_cast<int>(found - classes.begin()));
    if (std::ranges::count(ids, ids.back()) > 1) {
      throw Error(ErrorCode::kInvalidValue, "the class '" + name + "' is named twice");
    }
  }
  if (ids.empty()) {
    throw Error(ErrorCode::kInvalidValue, "no class is named, expected one or more");
  }
  return keep_classes(std::move(base), ids);
}

}  // namespace cdfss
