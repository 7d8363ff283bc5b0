#include "training_sources.h"

#include <vector>

#include "run_record.h"

namespace cdfss {
namespace {

std::shared_ptr<const Dataset> open_all(const std::vector<std::string>& specs, FoldPart part) {
  std::vector<std::shared_ptr<const Dataset>> parts;
  for (const std::string& spec : specs) parts.push_back(open_dataset(spec, part));
  return parts.size() == 1 ? parts.front() : merge_datasets(std::move(parts));
}

}  // namespace

nlohmann::json TrainingSources::summary() const {
  return {{"training", dataset_summary(*training)},
          {"validation", validation ? dataset_summary(*validation) : nlohmann::json()}};
}

std::string TrainingSources::fingerprint() const {
  return dataset_fingerprint(*training) +
         (validation ? "-" + dataset_fingerprint(*validation) : "");
}

TrainingSources open_training_sources(const TrainOptions& options) {
  TrainingSources sources{.training = open_all(options.data, FoldPart::kTrain),
                          .validation = nullptr};
  if (!options.held_out.empty()) {
    const int modulus = options.held_out[0];
    const int remainder = options.held_out[1];
    sources.validation = select_classes(sources.training, modulus, remainder, false);
    sources.training = select_classes(sources.training, modulus, remainder, true);
  } else if (!options.validation.empty()) {
    sources.validation = open_all(options.validation, FoldPart::kTest);
  }
  return sources;
}

}  // namespace cdfss
