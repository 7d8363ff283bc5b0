// The pickle inside a .pth file: a dict of tensors, read without executing anything.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace cdfss {

// Gives the storage of that key as a 1-D tensor of `elements`. Called once a key.
using LoadStorage =
    std::function<at::Tensor(const std::string& key, at::ScalarType dtype, std::int64_t elements)>;

// The tensors of a state dict by name, without a leading "module." (which data-parallel training
// adds), from the pickle or from the "state_dict" of the dict that it holds. torch::pickle_load
// does not serve: it cannot fill an OrderedDict, which is what every PyTorch state dict is. Of
// Python's objects only dicts, OrderedDicts, tensors and parameters are built; others stand for
// nothing, and are refused where a tensor should be. Throws Error(kBadModel) naming `file` (used
// for messages only) and the entry.
std::map<std::string, at::Tensor> parse_state_dict(std::string_view pickle,
                                                   const LoadStorage& load_storage,
                                                   const std::filesystem::path& file);

}  // namespace cdfss
