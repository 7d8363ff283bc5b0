// The model files of a training run.
#pragma once

#include <filesystem>
#include <string>

#include "io/model_file.h"
#include "model/asgnet.h"
#include "train_options.h"

namespace cdfss {

// Builds the network a run starts from: random with the seed, or --init-from, then
// --backbone-weights. A start model's similarity prior is kept unless the options ask for other
// directions. Throws as load_backbone_weights and load_model, and Error(kInvalidValue) when
// --init-from has another backbone or memory of another size.
Asgnet initial_network(const TrainOptions& options);

// What every model file of the run says about itself.
ModelInfo run_info(const TrainOptions& options, const std::string& command_line);

// Writes <output>/<name>.safetensors in float32, atomically. `step` of `steps` were done.
void save_checkpoint(const std::filesystem::path& output, const std::string& name, Asgnet& network,
                     ModelInfo info, int step, int steps);

}  // namespace cdfss
