// The datasets of a training run.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "data/dataset.h"
#include "train_options.h"

namespace cdfss {

struct TrainingSources {
  std::shared_ptr<const Dataset> training;
  std::shared_ptr<const Dataset> validation;  // null: none

  // {"training": dataset_summary, "validation": the same or null}
  nlohmann::json summary() const;
  std::string fingerprint() const;
};

// As --data, --held-out and --validation say. Throws as open_dataset.
TrainingSources open_training_sources(const TrainOptions& options);

}  // namespace cdfss
