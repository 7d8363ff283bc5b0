#include <ATen/ATen.h>

#include <algorithm>
#include <cstdio>

#include "cdfss/error.h"
#include "data/file_bytes.h"
#include "data/image_file.h"
#include "eval_figure_data.h"
#include "eval_measurement.h"
#include "eval_runs.h"
#include "figure_prototypes.h"
#include "figure_scatter.h"
#include "model/superpixel_clustering.h"
#include "program.h"
#include "progress_bar.h"
#include "sample_tensor.h"
#include "tensor/image_tensor.h"

namespace cdfss {
namespace {

// Which features a prototype is the masked average of.
enum class Features {
  kReduced,   // what the network compares: 256 channels, restyled as at inference
  kBackbone,  // what its backbone gives: 1536 channels, before anything few-shot
};

std::optional<Pick> support_pick(TargetEnhancement enhancement) {
  const bool restyled = enhancement == TargetEnhancement::kSupport ||
                        enhancement == TargetEnhancement::kBoth ||
                        enhancement == TargetEnhancement::kUnion;
  return restyled ? std::optional(Pick::kHighest) : std::nullopt;
}

class PrototypeMaker {
 public:
  PrototypeMaker(const EvalOptions& options, const std::filesystem::path& file, Features features)
      : model_(open_model(file, options.device)),
        settings_(evaluation_options(options, model_.info)),
        features_(features) {
    model_.network->eval();
  }

  // One row: CV_32F [1, C], of unit length.
  cv::Mat make(const Sample& sample) {
    const at::NoGradGuard no_grad;
    const Sample fitted = fit(sample, settings_.input_size, settings_.layout);
    const at::Tensor image = normalise(to_tensor(fitted.image).unsqueeze(0).to(model_.device));
    const bool reduced = features_ == Features::kReduced;
    const auto pick = reduced ? support_pick(settings_.enhancement) : std::nullopt;
    at::Tensor features = model_.network->backbone_features(image, pick);
    if (reduced) features = model_.network->reduce(features);
    const at::Tensor object =
        support_label(to_tensor(fitted.label)).eq(1).to(model_.device, at::kFloat);
    const at::Tensor prototype = masked_average(features[0].to(at::kFloat), object).flatten();
    const at::Tensor unit =
        (prototype / prototype.norm().clamp_min(1e-7)).to(at::kCPU).contiguous();
    return cv::Mat(1, static_cast<int>(unit.numel()), CV_32F, unit.data_ptr<float>()).clone();
  }

 private:
  MeasuredModel model_;
  EpisodeEvaluationOptions settings_;
  Features features_;
};

std::string separation_text(const PrototypeProjection& projection) {
  char text[128];
  std::snprintf(text, sizeof text, "cosine within a class %.2f, between %.2f; %.0f %% of variance",
                projection.within, projection.between, 100 * projection.explained);
  return text;
}

nlohmann::json to_json(const std::string& title, const PrototypeProjection& projection) {
  nlohmann::json points = nlohmann::json::array();
  for (int i = 0; i < projection.points.rows; ++i) {
    points.push_back({projection.points.at<float>(i, 0), projection.points.at<float>(i, 1)});
  }
  return {{"title", title},
          {"points", points},
          {"explained_variance", projection.explained},
          {"cosine_within", projection.within},
          {"cosine_between", projection.between}};
}

void write_figure(const std::filesystem::path& file, const ScatterFigure& figure) {
  if (file.extension() == ".svg") {
    const std::string svg = scatter_svg(figure);
    write_bytes(file, {svg.begin(), svg.end()});
  } else {
    write_png(file, draw_scatter(figure));
  }
}

}  // namespace

Measurement draw_prototype_figure(const EvalOptions& options) {
  const auto model = figure_model(options, options.model);
  PrototypeMaker ours(options, model, Features::kReduced);
  const bool trained_baseline = !options.baseline_model.empty();
  PrototypeMaker baseline =
      trained_baseline ? PrototypeMaker(options, figure_model(options, options.baseline_model),
                                        Features::kReduced)
                       : PrototypeMaker(options, model, Features::kBackbone);
  const std::vector<std::string> titles{
      model.stem().string(),
      trained_baseline ? options.baseline_model.stem().string() : "its backbone alone"};
  const FigureData data = open_figure_data(options);
  const auto samples = draw_prototype_samples(*data.dataset, options.samples, options.seed);

  std::vector<PrototypeCloud> clouds(2);
  Measurement measurement;
  nlohmann::json& report = measurement.report;
  ProgressBar bar(static_cast<int>(samples.size()), "images");
  int done = 0;
  for (const PrototypeSample& sample : samples) {
    if (interrupted()) break;
    const Sample image{.image = data.dataset->image(sample.image),
                       .label = data.dataset->label(sample.image, sample.class_id)};
    clouds[0].vectors.push_back(ours.make(image));
    clouds[1].vectors.push_back(baseline.make(image));
    for (PrototypeCloud& cloud : clouds) cloud.class_ids.push_back(sample.class_id);
    report["samples"].push_back({{"class", data.dataset->classes()[sample.class_id]},
                                 {"image", data.dataset->name(sample.image)}});
    bar.update(++done);
  }
  bar.clear();
  if (done < 2) throw Error(ErrorCode::kInvalidValue, "interrupted before there was a figure");

  ScatterFigure figure;
  std::vector<int> groups;  // class ids to positions in the legend
  for (const int id : clouds[0].class_ids) {
    const std::string& name = data.dataset->classes()[id];
    if (figure.legend.empty() || figure.legend.back() != name) figure.legend.push_back(name);
    groups.push_back(static_cast<int>(figure.legend.size()) - 1);
  }
  Table table("prototypes of",
              {{"cosine within a class"}, {"between classes"}, {"variance shown"}});
  for (std::size_t i = 0; i < clouds.size(); ++i) {
    const PrototypeProjection projection = project(clouds[i]);
    figure.panels.push_back({.title = titles[i],
                             .caption = separation_text(projection),
                             .points = projection.points,
                             .groups = groups});
    table.add(titles[i], {projection.within, projection.between, projection.explained});
    report["panels"].push_back(to_json(titles[i], projection));
  }
  write_figure(options.output, figure);

  measurement.complete = done == static_cast<int>(samples.size());
  measurement.table = table.text(options.table_style());
  report["figure"] = options.figure;
  report["output"] = options.output.string();
  report["dataset"] = data.name;
  report["model"] = model.string();
  report["baseline"] = titles[1];
  report["seed"] = options.seed;
  return measurement;
}

}  // namespace cdfss
