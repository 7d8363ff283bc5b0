#include "io/model_file.h"

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <utility>

#include "cdfss/error.h"
#include "io/model_settings.h"
#include "io/module_tensors.h"
#include "io/safetensors.h"
#include "model/unset_weights.h"

namespace cdfss {
namespace {

// A file's faults are reported with the file, whoever finds them.
template <class Function>
auto as_fault_of(const std::filesystem::path& file, Function&& function) {
  try {
    return function();
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kInvalidValue) throw;
    throw Error(ErrorCode::kBadModel, file.string() + ": " + e.what());
  }
}

ModelSettings settings_of(const std::map<std::string, std::string>& metadata,
                          const std::filesystem::path& file) {
  return as_fault_of(file, [&] { return decode_settings(metadata); });
}

// Half precision holds the convolutions. Statistics and their scales can leave its range, and the
// memory bank is compared at full precision; both are small.
bool stored_in_half(const std::string& name, const at::Tensor& tensor) {
  return tensor.is_floating_point() && tensor.dim() > 1 && !name.starts_with("memory.");
}

// The first tensor of the memories out of its range, with what was expected; empty when all are in.
std::string memory_fault(Asgnet& network) {
  for (std::size_t i = 0; i < network->memories().size(); ++i) {
    MetaMemory& memory = network->memories()[i];
    const int slots = memory->options().slots;
    for (const auto& [name, tensor] : module_tensors(*memory)) {
      const std::string who =
          c10::str("tensor \"memory.", network->options().memory_layers[i], ".", name, "\" ");
      if (tensor.lt(0).any().item<bool>()) return who + "has negative values";
      if (name == "filled" && tensor.gt(slots).any().item<bool>()) {
        return c10::str(who, "is ", tensor.item<std::int64_t>(), ", expected 0 to ", slots);
      }
    }
  }
  return "";
}

}  // namespace

ModelInfo read_model_info(const std::filesystem::path& file) {
  return settings_of(read_safetensors_metadata(file), file).info;
}

void save_model(const std::filesystem::path& file, Asgnet& network, const ModelInfo& info,
                Storage storage) {
  std::map<std::string, at::Tensor> tensors = module_tensors(*network);
  for (auto& [name, tensor] : tensors) {
    if (!tensor.is_floating_point()) continue;
    const bool half = storage == Storage::kFloat16 && stored_in_half(name, tensor);
    tensor = tensor.detach().to(half ? at::kHalf : at::kFloat);
    if (!at::isfinite(tensor).all().item<bool>()) {
      throw Error(ErrorCode::kInvalidValue, file.string() + ": tensor \"" + name +
                                                "\" has values that are not finite" +
                                                (half ? " in half precision" : ""));
    }
  }
  if (const std::string fault = memory_fault(network); !fault.empty()) {
    throw Error(ErrorCode::kInvalidValue, file.string() + ": " + fault);
  }
  write_safetensors(file, tensors, encode_settings(network->options(), info));
}

LoadedModel load_model(const std::filesystem::path& file) {
  const SafetensorsFile stored = read_safetensors(file);
  ModelSettings settings = settings_of(stored.metadata, file);
  LoadedModel model;
  model.network = as_fault_of(file, [&] {
    const UnsetWeights all_come_from_the_file;
    return Asgnet(settings.network);
  });
  model.info = std::move(settings.info);
  assign_tensors(module_tensors(*model.network), stored.tensors, file,
                 "an Asgnet on " + settings.network.backbone);
  if (const std::string fault = memory_fault(model.network); !fault.empty()) {
    throw Error(ErrorCode::kBadModel, file.string() + ": " + fault);
  }
  model.network->eval();
  return model;
}

}  // namespace cdfss
