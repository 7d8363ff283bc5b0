#include "checkpoint.h"

#include <ATen/ATen.h>

#include "cdfss/error.h"
#include "io/backbone_weights.h"
#include "version.h"

namespace cdfss {
namespace {

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : " ") + part;
  return text;
}

void copy_all(const torch::OrderedDict<std::string, at::Tensor>& from,
              const torch::OrderedDict<std::string, at::Tensor>& to,
              const std::filesystem::path& file) {
  const at::NoGradGuard no_grad;
  for (const auto& item : from) {
    const at::Tensor* target = to.find(item.key());
    if (target == nullptr) continue;  // a memory that this run does not have
    if (target->sizes() != item.value().sizes()) {
      throw Error(ErrorCode::kInvalidValue,
                  file.string() + ": " + item.key() + " has another shape than this run's options "
                  "ask for: use the same --memory-slots");
    }
    target->copy_(item.value());
  }
}

}  // namespace

Asgnet initial_network(const TrainOptions& options) {
  at::manual_seed(options.seed);
  Asgnet network(options.network);
  if (!options.backbone_weights.empty()) {
    ResNet backbone = network->backbone();
    load_backbone_weights(options.backbone_weights, backbone);
  }
  if (!options.init_from.empty()) {
    const LoadedModel start = load_model(options.init_from);
    if (start.info.backbone != options.network.backbone) {
      throw Error(ErrorCode::kInvalidValue, options.init_from.string() + ": its backbone is " +
                                                start.info.backbone + ", --backbone says " +
                                                options.network.backbone);
    }
    copy_all(start.network->named_parameters(), network->named_parameters(), options.init_from);
    copy_all(start.network->named_buffers(), network->named_buffers(), options.init_from);
  }
  return network;
}

ModelInfo run_info(const TrainOptions& options, const std::string& command_line) {
  ModelInfo info;
  info.backbone = options.network.backbone;
  info.memory_layers = options.network.memory_layers;
  info.memory_slots = options.network.memory.slots;
  info.input_size = options.augmentation.size;
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
