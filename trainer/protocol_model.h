// Which model file stands for a fold of a cross-domain task, and whether it may.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "cdfss/model_info.h"
#include "data/transfer.h"

namespace cdfss {

// `pattern` with {fold} replaced by the fold's number and {source} by "coco" or "pascal".
std::filesystem::path model_of_fold(const std::string& pattern, const Transfer& transfer, int fold);
// Whether the pattern names a file for each fold.
bool has_fold_placeholder(const std::string& pattern);

// What a model says it was trained on: the metadata `training_source` of cdfss-train. Throws
// Error(kBadModel) naming the file if it does not say: nobody could tell a task from another.
std::string training_source(const std::filesystem::path& file, const ModelInfo& info);

// Whether the training source names a dataset of this kind ("coco"), and the fold that it held out.
struct TrainedOn {
  bool kind = false;
  std::optional<int> fold;
};
TrainedOn trained_on(const std::string& training_source, const std::string& kind);

// A file that was named for a fold: throws Error(kInvalidValue) if it was trained on another one,
// whose models have seen the classes to test on.
void require_fold(const std::filesystem::path& file, const std::string& training_source,
                  const Transfer& transfer, int fold);

}  // namespace cdfss
