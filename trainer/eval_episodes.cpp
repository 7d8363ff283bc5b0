#include <map>
#include <cstdio>
#include <string>
#include <vector>

#include "device.h"
#include "episode_evaluation.h"
#include "eval_measurement.h"
#include "io/model_file.h"
#include "program.h"
#include "progress_bar.h"
#include "report.h"

namespace cdfss {
namespace {

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

std::string spread_line(const char* name, const Spread& spread) {
  char text[64];
  std::snprintf(text, sizeof text, "%s %.3f +- %.3f\n", name, spread.mean, spread.deviation);
  return text;
}

Measurement summarise(const std::vector<EpisodeEvaluation>& runs) {
  std::vector<double> mious, fb_ious;
  std::map<std::string, std::vector<double>> by_class;
  int episodes = 0;
  double seconds = 0;
  for (const EpisodeEvaluation& run : runs) {
    mious.push_back(run.miou);
    fb_ious.push_back(run.fb_iou);
    for (const auto& [name, iou] : run.per_class) by_class[name].push_back(iou);
    episodes += run.episodes;
    seconds += run.seconds;
  }
  const Spread miou = spread_of(mious);
  const Spread fb_iou = spread_of(fb_ious);

  Measurement measurement;
  nlohmann::json& report = measurement.report;
  report["miou"] = miou.mean;
  report["miou_std"] = miou.deviation;
  report["fb_iou"] = fb_iou.mean;
  report["fb_iou_std"] = fb_iou.deviation;
  report["runs"] = runs.size();
  report["episodes_measured"] = episodes;
  report["seconds_per_episode"] = seconds / episodes;
  Table table("class", {{"IoU"}, {"+-"}});
  for (const auto& [name, ious] : by_class) {
    const Spread spread = spread_of(ious);
    report["per_class"][name] = spread.mean;
    table.add(name, {spread.mean, spread.deviation});
  }
  measurement.table =
      table.text() + spread_line("mIoU  ", miou) + spread_line("FB-IoU", fb_iou);
  return measurement;
}

}  // namespace

Measurement measure_episodes(const EvalOptions& options) {
  LoadedModel model = load_model(options.model);
  const auto dataset = open_dataset(options.dataset, FoldPart::kTest);
  EpisodeEvaluationOptions evaluation = evaluation_options(options, model.info);
  const at::Device device = resolve_device(options.device);
  model.network->to(device);
  model.network->prepare_inference(at::kFloat);

  std::vector<EpisodeEvaluation> runs;
  ProgressBar bar(options.runs * options.episodes, "episodes");
  for (int run = 0; run < options.runs && !interrupted(); ++run) {
    evaluation.seed = options.seed + static_cast<std::uint64_t>(run);
    runs.push_back(evaluate_episodes(model.network, dataset, evaluation, [&](int done) {
      bar.update(run * options.episodes + done);
      return !interrupted();
    }));
  }
  bar.clear();

  Measurement measurement = summarise(runs);
  measurement.complete = measurement.report["episodes_measured"] == options.runs * options.episodes;
  nlohmann::json& report = measurement.report;
  report["dataset"] = options.dataset;
  report["episodes"] = options.episodes;  // a run
  report["shots"] = options.shots;
  report["seed"] = options.seed;
  report["input_size"] = evaluation.input_size;
  report["threshold"] = evaluation.threshold;
  report["target_enhancement"] = to_string(evaluation.enhancement);
  report["layout"] = evaluation.layout == Layout::kPad ? "pad" : "stretch";
  report["device"] = device.str();
  report["precision"] = "fp32";
  return measurement;
}

}  // namespace cdfss
