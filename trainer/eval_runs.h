// Seeded runs of episodes through one model: what every way of measuring shares.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "episode_evaluation.h"
#include "eval_options.h"
#include "io/model_file.h"

namespace cdfss {

// A model on its device, ready for inference.
struct MeasuredModel {
  Asgnet network{nullptr};
  ModelInfo info;
  at::Device device{at::kCPU};
};
// Throws as load_model and resolve_device.
MeasuredModel open_model(const std::filesystem::path& file, const std::string& device);

// The command line's settings, where it leaves them open those of the model.
EpisodeEvaluationOptions evaluation_options(const EvalOptions& options, const ModelInfo& info);

// Run i draws its episodes with seed + i. `progress` is called after each episode; false stops, and
// the run that was stopped counts with what it has.
std::vector<EpisodeEvaluation> evaluate_runs(Asgnet& network,
                                             const std::shared_ptr<const Dataset>& dataset,
                                             EpisodeEvaluationOptions options, int runs,
                                             const std::function<bool()>& progress);

int episodes_of(const std::vector<EpisodeEvaluation>& runs);
double seconds_of(const std::vector<EpisodeEvaluation>& runs);

// `shots`, `seed`, `input_size`, `threshold`, `target_enhancement`, `layout`, `device` and
// `precision`.
void put_settings(nlohmann::json& report, const EpisodeEvaluationOptions& options,
                  at::Device device);

}  // namespace cdfss
