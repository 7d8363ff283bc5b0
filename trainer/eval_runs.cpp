#include "eval_runs.h"

#include "device.h"

namespace cdfss {

MeasuredModel open_model(const std::filesystem::path& file, const std::string& device) {
  const at::Device resolved = resolve_device(device);
  LoadedModel model = load_model(file);
  model.network->to(resolved);
  model.network->prepare_inference(at::kFloat);
  return {.network = model.network, .info = std::move(model.info), .device = resolved};
}

EpisodeEvaluationOptions evaluation_options(const EvalOptions& options, const ModelInfo& info) {
  return {.episodes = options.episodes,
          .shots = options.shots,
          .input_size = options.input_size == 0 ? info.input_size : options.input_size,
          .seed = options.seed,
          .layout = options.input_layout(),
          .threshold = options.threshold < 0 ? info.threshold : options.threshold,
          .enhancement = options.target_enhancement == "auto"
                             ? info.target_enhancement
                             : target_enhancement_from_string(options.target_enhancement)};
}

std::vector<EpisodeEvaluation> evaluate_runs(Asgnet& network,
                                             const std::shared_ptr<const Dataset>& dataset,
                                             EpisodeEvaluationOptions options, int runs,
                                             const std::function<bool()>& progress) {
  std::vector<EpisodeEvaluation> results;
  bool go_on = true;
  for (int run = 0; run < runs && go_on; ++run) {
    results.push_back(
        evaluate_episodes(network, dataset, options, [&](int) { return go_on = progress(); }));
    ++options.seed;
  }
  return results;
}

int episodes_of(const std::vector<EpisodeEvaluation>& runs) {
  int episodes = 0;
  for (const EpisodeEvaluation& run : runs) episodes += run.episodes;
  return episodes;
}

double seconds_of(const std::vector<EpisodeEvaluation>& runs) {
  double seconds = 0;
  for (const EpisodeEvaluation& run : runs) seconds += run.seconds;
  return seconds;
}

void put_settings(nlohmann::json& report, const EpisodeEvaluationOptions& options,
                  at::Device device) {
  report["shots"] = options.shots;
  report["seed"] = options.seed;
  report["input_size"] = options.input_size;
  report["threshold"] = options.threshold;
  report["target_enhancement"] = to_string(options.enhancement);
  report["layout"] = options.layout == Layout::kPad ? "pad" : "stretch";
  report["device"] = device.str();
  report["precision"] = "fp32";
}

}  // namespace cdfss
