// PyTorch's .pth files.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

namespace cdfss {

// The state dict (see parse_state_dict) of a file in the zip format that torch.save writes since
// PyTorch 1.6. Executes nothing. Throws Error(kBadModel) naming the file and what was wrong.
std::map<std::string, at::Tensor> read_pth(const std::filesystem::path& file);

}  // namespace cdfss
