#include "checkpoint.h"

#include <ATen/ATen.h>

#include "cdfss/error.h"
#include "io/backbone_weights.h"
#include "io/module_tensors.h"
#include "version.h"

namespace cdfss {
namespace {

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : " ") + part;
  return text;
}

// Copies the state of a start model into a network that may have other memories.
void copy_state(Asgnet& start, Asgnet& network, const std::filesystem::path& file) {
  const at::NoGradGuard no_grad;
  const auto destinations = module_tensors(*network);
  for (const auto& [name, tensor] : module_tensors(*start)) {
    const auto destination = destinations.find(name);
    const bool memory = name.starts_with("memory.");
    if (destination == destinations.end() && memory) continue;
    if (destination == destinations.end() || destination->second.sizes() != tensor.sizes()) {
      throw Error(ErrorCode::kInvalidValue, file.string() + ": its " + name +
                                                " does not fit a network of these options" +
                                                (memory ? "; use the same --memory-slots" : ""));
    }
    at::Tensor(destination->second).copy_(tensor);
  }
}

Asgnet continued_network(const TrainOptions& options) {
  LoadedModel start = load_model(options.init_from);
  const AsgnetOptions& stored = start.network->options();
  if (stored.backbone != options.network.backbone) {
    throw Error(ErrorCode::kInvalidValue, options.init_from.string() + ": its backbone is " +
                                              stored.backbone + ", --backbone says " +
                                              options.network.backbone);
  }
  AsgnetOptions wanted = options.network;
  if (!wanted.has_prior()) {
    wanted.object_directions = stored.object_directions;
    wanted.background_directions = stored.background_directions;
  }
  Asgnet network(wanted);
  copy_state(start.network, network, options.init_from);
  return network;
}

}  // namespace

Asgnet initial_network(const TrainOptions& options) {
  at::manual_seed(options.seed);
  Asgnet network = options.init_from.empty() ? Asgnet(options.network) : continued_network(options);
  if (!options.backbone_weights.empty()) {
    ResNet backbone = network->backbone();
    load_backbone_weights(options.backbone_weights, backbone);
  }
  return network;
}

ModelInfo run_info(const TrainOptions& options, const std::string& command_line) {
  ModelInfo info;
  info.backbone = options.network.backbone;
  info.memory_layers = options.network.memory_layers;
  info.memory_slots = options.network.memory.slots;
  info.input_size =
      options.inference_size == 0 ? options.augmentation.size : options.inference_size;
  info.target_enhancement = options.target_enhancement;
  info.metadata["training_source"] = join(options.data);
  info.metadata["training_command"] = command_line;
  info.metadata["git_revision"] = CDFSS_GIT_REVISION;
  return info;
}

void save_checkpoint(const std::filesystem::path& output, const std::string& name, Asgnet& network,
                     ModelInfo info, int step, int steps) {
  info.metadata["training_steps"] = std::to_string(step) + "/" + std::to_string(steps);
  save_model(output / (name + ".safetensors"), network, info, Storage::kFloat32);
}

}  // namespace cdfss
