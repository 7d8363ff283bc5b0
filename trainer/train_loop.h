// A whole training run.
#pragma once

#include <string>

#include "train_options.h"

namespace cdfss {

// Trains as the options say and writes the models and metrics into options.output, which is made if
// missing. Ctrl-C finishes the step, saves last.safetensors and returns. Throws Error; the last
// checkpoint then stays as it is.
void train(const TrainOptions& options, const std::string& command_line);

}  // namespace cdfss
