// One function a kind of dataset; open_dataset calls them by name.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace cdfss {

// A dataset's name taken apart: `kind:ROOT[,key=value...]`.
struct DatasetSpec {
  std::string text;  // as given, for messages
  std::string kind;
  std::filesystem::path root;
  std::map<std::string, std::string> options;
};

// Throws Error(kInvalidValue) for a text of another form or a key twice.
DatasetSpec parse_dataset_spec(const std::string& text);

// Throws Error(kInvalidValue) if the options have a key other than `known`.
void require_known_options(const DatasetSpec& spec, std::initializer_list<const char*> known);

// The option as a number in [low, high], none if it is not given. Throws Error(kInvalidValue).
std::optional<int> number_option(const DatasetSpec& spec, const std::string& key, int low,
                                 int high);

// What `minimum_area=N` says, `fallback` without it. Throws Error(kInvalidValue).
int minimum_area_option(const DatasetSpec& spec, int fallback = kMinimumArea);

// The list file that `list=FILE` names, or `split=NAME`: `split_folder`/NAME.txt; none without
// either. Throws Error(kInvalidValue) if both are given.
std::optional<std::filesystem::path> list_option(const DatasetSpec& spec,
                                                 const std::filesystem::path& split_folder);

// ROOT/images/*, ROOT/masks/*.png of the same stems, ROOT/classes.txt (DESIGN 6).
std::shared_ptr<const Dataset> open_folder_dataset(const DatasetSpec& spec);

// The other kinds, as their authors ship them; open_dataset documents trees and keys.
std::shared_ptr<const Dataset> open_pascal_dataset(const DatasetSpec& spec, FoldPart part);
std::shared_ptr<const Dataset> open_coco_dataset(const DatasetSpec& spec, FoldPart part);
std::shared_ptr<const Dataset> open_fss_dataset(const DatasetSpec& spec, FoldPart part);
std::shared_ptr<const Dataset> open_suim_dataset(const DatasetSpec& spec);
std::shared_ptr<const Dataset> open_davis_dataset(const DatasetSpec& spec);

// The same images with only the classes of these ids, in this order (derived_dataset.cpp).
std::shared_ptr<const Dataset> keep_classes(std::shared_ptr<const Dataset> base,
                                            const std::vector<int>& ids);

// The classes of one part of a fold: those for which `is_test(id)` holds, or the others.
template <typename IsTest>
std::shared_ptr<const Dataset> keep_fold(std::shared_ptr<const Dataset> base, FoldPart part,
                                         IsTest is_test) {
  std::vector<int> ids;
  for (int id = 0; id < static_cast<int>(base->classes().size()); ++id) {
    if (is_test(id) == (part == FoldPart::kTest)) {
      ids.push_back(id);
    }
  }
  return keep_classes(std::move(base), ids);
}

}  // namespace cdfss
