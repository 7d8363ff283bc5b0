// A whole training run.
#pragma once

#include <string>

#include "train_options.h"

namespace cdfss {

// Trains as the options say in the folder options.output (docs/training.md says what lies in it),
// or goes on with the run there. `configuration` is the options as effective_configuration() gives
// them, what a later --resume has to agree with. Ctrl-C finishes the step, saves and returns.
// Throws Error; the last checkpoint then stays as it is.
void train(const TrainOptions& options, const std::string& command_line,
           const std::string& configuration);

}  // namespace cdfss
