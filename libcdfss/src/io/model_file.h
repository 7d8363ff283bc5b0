// The model file (DESIGN 6): a network's parameters, buffers, memory bank and settings.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "cdfss/model_info.h"
#include "model/asgnet.h"

namespace cdfss {

// kFloat16 stores weights in half; vectors (BatchNorm, biases) and the memory bank stay float32.
enum class Storage { kFloat32, kFloat16 };

// Writes the network as `format=cdfss-model`. `info` gives input size, threshold, target
// enhancement and free metadata (training source, fold, git revision, ...); backbone and memory
// entries are taken from the network itself. Atomic (see write_safetensors). Throws
// Error(kInvalidValue) naming a setting out of its range or a tensor that load_model would refuse
// (values not finite, or not in half's range), and Error(kUnreadable) when writing fails.
void save_model(const std::filesystem::path& file, Asgnet& network, const ModelInfo& info,
                Storage storage);

struct LoadedModel {
  Asgnet network{nullptr};  // CPU, float32, eval mode
  ModelInfo info;
};
// Throws Error(kNotFound | kUnreadable | kBadModel): the message names the file and the first
// missing, unexpected or wrongly shaped tensor or metadata entry.
LoadedModel load_model(const std::filesystem::path& file);

}  // namespace cdfss
