// Which classes are tested on, and why: what --list-classes prints.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/transfer.h"
#include "eval_options.h"

namespace cdfss {

struct ListedClass {
  ClassDecision decision;
  std::optional<int> images;  // that show enough of it; none if the files were not asked
};
struct ClassListing {
  std::string title;
  std::vector<ListedClass> classes;
};

// Of --dataset: its classes and, with fold=N, those that the fold leaves out. A class with too few
// images for --shots is out. Throws as open_dataset.
ClassListing list_dataset_classes(const EvalOptions& options);

// Of --protocol, for each fold asked for: target_classes(), and with --data-root the images. Throws
// Error naming the folder that is missing.
std::vector<ClassListing> list_transfer_classes(const EvalOptions& options);

}  // namespace cdfss
