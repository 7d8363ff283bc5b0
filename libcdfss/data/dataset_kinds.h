// One function a kind of dataset; open_dataset calls them by name.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

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

// Throws Error(kNotFound) if `folder` is not a folder.
void require_folder(const std::filesystem::path& folder);

// ROOT/images/*, ROOT/masks/*.png of the same stems, ROOT/classes.txt (DESIGN 6).
std::shared_ptr<const Dataset> open_folder_dataset(const DatasetSpec& spec);

}  // namespace cdfss
