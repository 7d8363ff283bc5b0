// A module's state as tensors by name, and files' tensors back into a module.
#pragma once

#include <torch/nn/module.h>

#include <filesystem>
#include <map>
#include <string>

namespace cdfss {

// Parameters and buffers of the module and its children by their dotted names, sharing their
// memory. BatchNorm's num_batches_tracked is left out: nothing here reads it.
std::map<std::string, at::Tensor> module_tensors(const torch::nn::Module& module);

// Copies `sources` into the `destinations` of the same names. Before anything is written all is
// checked: the same names on both sides, equal shapes, floating values where floating ones are
// expected (any width, all finite), the same dtype elsewhere. Throws Error(kBadModel) naming
// `file`, the first tensor that does not fit, and `owner` (what the destinations belong to).
void assign_tensors(const std::map<std::string, at::Tensor>& destinations,
                    const std::map<std::string, at::Tensor>& sources,
                    const std::filesystem::path& file, const std::string& owner);

}  // namespace cdfss
