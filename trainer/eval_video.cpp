#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "device.h"
#include "eval_measurement.h"
#include "io/backbone_weights.h"
#include "io/model_file.h"
#include "program.h"
#include "progress_bar.h"
#include "report.h"
#include "video_evaluation.h"
#include "video_prototype_method.h"

namespace cdfss {
namespace {

constexpr int kPaperInputSize = 473;

Precision precision_from_name(const std::string& name) {
  for (const auto value :
       {Precision::kFp32, Precision::kBf16, Precision::kFp16, Precision::kInt8}) {
    if (name == to_string(value)) return value;
  }
  return Precision::kAuto;
}

std::unique_ptr<VideoMethod> make_segmenter_method(const EvalOptions& options) {
  SegmenterOptions segmenter{.device = options.device,
                             .precision = precision_from_name(options.precision),
                             .input_size = options.input_size,
                             .threshold = options.threshold};
  if (options.target_enhancement != "auto") {
    segmenter.use_model_enhancement = false;
    segmenter.target_enhancement = target_enhancement_from_string(options.target_enhancement);
  }
  return std::make_unique<SegmenterMethod>(Segmenter(options.model, segmenter));
}

std::unique_ptr<VideoMethod> make_prototype_method(const EvalOptions& options) {
  ResNet backbone{nullptr};
  int input_size = options.input_size;
  if (options.model.empty()) {
    backbone = ResNet(ResNetLayout::from_name(options.backbone));
    load_backbone_weights(options.backbone_weights, backbone);
    if (input_size == 0) input_size = kPaperInputSize;
  } else {
    LoadedModel model = load_model(options.model);
    backbone = model.network->backbone();
    if (input_size == 0) input_size = model.info.input_size;
  }
  return std::make_unique<PrototypeMethod>(std::move(backbone), input_size, options.input_layout(),
                                           resolve_device(options.device));
}

Measurement summarise(const VideoEvaluation& evaluation, TableStyle style) {
  Measurement measurement;
  nlohmann::json& report = measurement.report;
  Table table("sequence", {{"J"}, {"F"}, {"frames", 0}});
  report["sequences"] = nlohmann::json::object();
  for (const SequenceScore& score : evaluation.sequences) {
    report["sequences"][score.name] = {{"j", score.j}, {"f", score.f}, {"frames", score.frames}};
    table.add(score.name, {score.j, score.f, static_cast<double>(score.frames)});
  }
  const int frames = evaluation.frames();
  table.add("mean", {evaluation.mean_j(), evaluation.mean_f(), static_cast<double>(frames)});
  report["mean_j"] = evaluation.mean_j();
  report["mean_f"] = evaluation.mean_f();
  report["frames"] = frames;
  report["seconds_per_frame"] = frames > 0 ? evaluation.seconds / frames : 0;
  measurement.table = table.text(style);
  return measurement;
}

}  // namespace

Measurement measure_videos(const EvalOptions& options) {
  std::vector<VideoTask> tasks;
  int total = 0;
  for (VideoSequence& sequence : find_sequences(options.video, options.sequences)) {
    tasks.push_back(plan_video(std::move(sequence), options.every));
    total += static_cast<int>(tasks.back().scored.size());
  }
  const auto method =
      options.prototype_method() ? make_prototype_method(options) : make_segmenter_method(options);
  ProgressBar bar(total, "frames");
  const VideoEvaluation evaluation = evaluate_videos(
      *method, tasks, options.save_masks, [&](int done, const SequenceScore& so_far) {
        char note[32];
        std::snprintf(note, sizeof note, " J %.3f", so_far.j);
        bar.update(done, so_far.name + note);
        return !interrupted();
      });
  bar.clear();

  Measurement measurement = summarise(evaluation, options.table_style());
  measurement.complete = evaluation.frames() == total;
  nlohmann::json& report = measurement.report;
  report["dataset"] = options.video.string();
  report["shots"] = 1;
  report["every"] = options.every;
  report["method"] = options.method;
  report["input_size"] = method->input_size();
  report["device"] = method->device();
  report["precision"] = method->precision();
  return measurement;
}

}  // namespace cdfss
