#include "data/episode_sampler.h"
#include "data/image_file.h"
#include "device.h"
#include "eval_figure_data.h"
#include "eval_measurement.h"
#include "eval_runs.h"
#include "figure_masks.h"
#include "iou.h"
#include "program.h"
#include "progress_bar.h"
#include "sample_tensor.h"
#include "video_prototype_method.h"

namespace cdfss {
namespace {

// A way to predict an episode's query: CV_8UC1 of 0 and 1, its size. Errors call the support
// `support_name`.
using Predict = std::function<cv::Mat(const Episode&, const std::string& support_name)>;

struct Method {
  std::string title;
  Predict predict;
};

Method network_method(const EvalOptions& options, const std::filesystem::path& file) {
  MeasuredModel model = open_model(file, options.device);
  model.network->eval();
  const EpisodeEvaluationOptions settings = evaluation_options(options, model.info);
  return {
      .title = file.stem().string(),
      .predict = [network = model.network, settings](const Episode& episode,
                                                     const std::string&) mutable {
        return to_binary_mask(query_probability(network, episode, settings).ge(settings.threshold));
      }};
}

Method prototype_method(const EvalOptions& options, const std::filesystem::path& file) {
  LoadedModel model = load_model(file);
  const EpisodeEvaluationOptions settings = evaluation_options(options, model.info);
  auto method = std::make_shared<PrototypeMethod>(model.network->backbone(), settings.input_size,
                                                  settings.layout, resolve_device(options.device));
  Predict predict = [method](const Episode& episode, const std::string& support_name) {
    const Sample& support = episode.supports.front();
    method->set_support(support.image, support.label, support_name);
    return method->segment(to_image(episode.query.image).view());
  };
  return {.title = "prototypes, no training", .predict = std::move(predict)};
}

MaskRow predict_row(const Episode& episode, const std::string& support_name, const Method& ours,
                    const Method& baseline) {
  MaskRow row{.class_name = episode.class_name,
              .query = episode.query,
              .support = episode.supports.front(),
              .ours = ours.predict(episode, support_name),
              .baseline = baseline.predict(episode, support_name)};
  row.our_iou = overlap(row.ours, row.query.label, 1).iou(0);
  row.baseline_iou = overlap(row.baseline, row.query.label, 1).iou(0);
  return row;
}

}  // namespace

Measurement draw_mask_figure(const EvalOptions& options) {
  const auto model = figure_model(options, options.model);
  const Method ours = network_method(options, model);
  const Method baseline =
      options.baseline_model.empty()
          ? prototype_method(options, model)
          : network_method(options, figure_model(options, options.baseline_model));
  const FigureData data = open_figure_data(options);
  // Every class equally often; the first episodes of the seed, none chosen for its looks.
  EpisodeSampler sampler(data.dataset, {.shots = 1, .balance_classes = true}, options.seed);

  std::vector<MaskRow> rows;
  Measurement measurement;
  Table table("class", {{"IoU"}, {"IoU, baseline"}, {.title = "query", .left = true}});
  ProgressBar bar(options.rows, "rows");
  while (static_cast<int>(rows.size()) < options.rows && !interrupted()) {
    const Episode episode = sampler.next();
    const std::string support = data.dataset->name(episode.support_indices.front());
    const MaskRow& row = rows.emplace_back(predict_row(episode, support, ours, baseline));
    const std::string query = data.dataset->name(episode.query_index);
    char iou[2][16];
    std::snprintf(iou[0], sizeof iou[0], "%.3f", row.our_iou);
    std::snprintf(iou[1], sizeof iou[1], "%.3f", row.baseline_iou);
    table.add_text({row.class_name, iou[0], iou[1], query});
    measurement.report["rows"].push_back({{"class", row.class_name},
                                          {"query", query},
                                          {"support", support},
                                          {"iou", row.our_iou},
                                          {"baseline_iou", row.baseline_iou}});
    bar.update(static_cast<int>(rows.size()));
  }
  bar.clear();
  write_png(options.output, draw_masks(rows, ours.title, baseline.title));

  measurement.complete = static_cast<int>(rows.size()) == options.rows;
  measurement.table = table.text(options.table_style());
  nlohmann::json& report = measurement.report;
  report["figure"] = options.figure;
  report["output"] = options.output.string();
  report["dataset"] = data.name;
  report["model"] = model.string();
  report["baseline"] = baseline.title;
  report["shots"] = 1;
  report["seed"] = options.seed;
  return measurement;
}

}  // namespace cdfss
