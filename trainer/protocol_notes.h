// What has to be said under our numbers so that they can be compared.
#pragma once

#include <string>
#include <vector>

#include "protocol_plan.h"

namespace cdfss {

// Models and their training data, images, classes, episodes, sizes and settings of one task, and
// where they differ from what is known of the published numbers. One sentence or two each.
std::vector<std::string> protocol_notes(const TransferPlan& plan);

// The notes of one section or row of a table.
struct NamedNotes {
  std::string name;
  std::vector<std::string> notes;
};
// What is true of all of them is said once, the rest after the part's name.
std::vector<std::string> merge_notes(const std::vector<NamedNotes>& parts);

}  // namespace cdfss
