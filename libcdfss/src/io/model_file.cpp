#include "io/model_file.h"

#include <ATen/ATen.h>

#include <string_view>
#include <utility>

#include "cdfss/error.h"
#include "io/model_settings.h"
#include "io/module_tensors.h"
#include "io/safetensors.h"

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

// Values that index or that MetaMemory keeps non-negative must be so in the file too.
void check_memory(MetaMemory& memory, int layer, const std::filesystem::path& file) {
  for (const auto& [name, tensor] : module_tensors(*memory)) {
    const bool counts_slots = name == "filled";
    const bool fits = tensor.ge(0).all().item<bool>() &&
                      (!counts_slots || tensor.le(memory->options().slots).all().item<bool>());
    if (!fits) {
      throw Error(ErrorCode::kBadModel,
                  c10::str(file.string(), ": tensor \"memory.", layer, ".", name, "\" expected ",
                           counts_slots ? c10::str("0 to ", memory->options().slots)
                                        : "no negative values"));
    }
  }
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
  write_safetensors(file, tensors, encode_settings(network->options(), info));
}

LoadedModel load_model(const std::filesystem::path& file) {
  const SafetensorsFile stored = read_safetensors(file);
  ModelSettings settings = settings_of(stored.metadata, file);
  LoadedModel model;
  model.network = as_fault_of(file, [&] { return Asgnet(settings.network); });
  model.info = std::move(settings.info);
  assign_tensors(module_tensors(*model.network), stored.tensors, file,
                 "an Asgnet on " + settings.network.backbone);
  for (std::size_t i = 0; i < model.network->memories().size(); ++i) {
    check_memory(model.network->memories()[i], settings.network.memory_layers[i], file);
  }
  model.network->eval();
  return model;
}

}  // namespace cdfss
