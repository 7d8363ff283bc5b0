// What both figures are drawn from.
#pragma once

#include <memory>
#include <string>

#include "data/dataset.h"
#include "eval_options.h"

namespace cdfss {

struct FigureData {
  std::string name;  // the dataset as open_dataset takes it, or the protocol and fold
  std::shared_ptr<const Dataset> dataset;
};
// Of --dataset, or of --protocol with --fold. Throws Error naming what is missing.
FigureData open_figure_data(const EvalOptions& options);

// The model for it: {fold} and {source} are replaced as for measuring.
std::filesystem::path figure_model(const EvalOptions& options, const std::filesystem::path& model);

}  // namespace cdfss
