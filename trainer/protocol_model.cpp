#include "protocol_model.h"

#include <regex>

#include "cdfss/error.h"

namespace cdfss {
namespace {

constexpr const char* kFoldPlaceholder = "{fold}";
constexpr const char* kSourcePlaceholder = "{source}";

std::string replace_all(std::string text, const std::string& what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

}  // namespace

std::filesystem::path model_of_fold(const std::string& pattern, const Transfer& transfer,
                                    int fold) {
  return replace_all(replace_all(pattern, kFoldPlaceholder, std::to_string(fold)),
                     kSourcePlaceholder, transfer.source);
}

bool has_fold_placeholder(const std::string& pattern) {
  return pattern.find(kFoldPlaceholder) != std::string::npos;
}

std::string training_source(const std::filesystem::path& file, const ModelInfo& info) {
  const auto found = info.metadata.find("training_source");
  if (found == info.metadata.end() || found->second.empty()) {
    throw Error(ErrorCode::kBadModel,
                file.string() +
                    " does not say what it was trained on (metadata training_source, "
                    "which cdfss-train writes); --protocol needs that");
  }
  return found->second;
}

TrainedOn trained_on(const std::string& training_source, const std::string& kind) {
  // Datasets as open_dataset takes them, separated by spaces.
  const std::regex dataset("(?:^| )" + kind +
                           ":.*?(?:,fold=([0-9]+)|(?= (?:folder|pascal|coco|fss|suim|davis):)|$)");
  std::smatch match;
  if (!std::regex_search(training_source, match, dataset)) return {};
  TrainedOn result{.kind = true, .fold = std::nullopt};
  if (match[1].matched) result.fold = std::stoi(match[1].str());
  return result;
}

void require_fold(const std::filesystem::path& file, const std::string& training_source,
                  const Transfer& transfer, int fold) {
  const TrainedOn source = trained_on(training_source, transfer.source);
  if (!source.fold || *source.fold == fold) return;
  throw Error(ErrorCode::kInvalidValue,
              file.string() + " was trained on fold " + std::to_string(*source.fold) + " of " +
                  transfer.source + " (" + training_source + "), expected fold " +
                  std::to_string(fold) + ": it has seen the classes to test on");
}

}  // namespace cdfss
