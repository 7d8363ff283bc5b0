// The paper's cross-domain tasks: on which classes of a target a model of a source is tested.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/class_tables.h"
#include "data/dataset.h"

namespace cdfss {

// One cross-domain task of the paper: a source whose fold trained the model, and a target to test
// on.
struct Transfer {
  std::string name;            // "coco-pascal", "coco-fss", "coco-suim" or "pascal-suim"
  std::string source, target;  // dataset kinds, as open_dataset calls them
  int folds;                   // of the source
};

// In the order of the paper's tables.
const std::vector<Transfer>& transfers();
// Throws Error(kInvalidValue) listing the names.
const Transfer& transfer_named(const std::string& name);

struct ClassDecision {
  std::string name;
  bool in = false;     // tested on
  std::string reason;  // why or why not, for people
};

// Every class of the target, in its order: tested on or not, and why (SPEC B21-B23). The names are
// those of the target opened
//   - for `pascal` and `suim` without a fold: all classes;
//   - for `fss` with the fold's subsets (fold=N) or another selection (split=test): its classes are
//     only compared with those the source trained on.
// Throws Error(kInvalidValue) for a fold that the transfer lacks, for a name that is no class of
// `pascal` or `suim`, and for kRepri with another transfer than coco-pascal.
std::vector<ClassDecision> target_classes(const Transfer& transfer, int fold,
                                          const std::vector<std::string>& target_class_names,
                                          FoldTable table = FoldTable::kStandard);

// The same images with only the named classes, in that order. Throws Error(kInvalidValue) for a
// name the dataset lacks, a name twice, or none.
std::shared_ptr<const Dataset> keep_named_classes(std::shared_ptr<const Dataset> base,
                                                  const std::vector<std::string>& names);

}  // namespace cdfss
