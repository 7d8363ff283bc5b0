#include "eval_options.h"

namespace cdfss {
namespace {

// (S - 1) % 8 == 0, or 0 for the model's own.
std::string check_input_size(const std::string& text) {
  int side = 0;
  if (!CLI::detail::lexical_cast(text, side)) return "\"" + text + "\" is not a whole number";
  if (side == 0 || (side >= 41 && side <= 2049 && (side - 1) % 8 == 0)) return {};
  return text + ": expected 0, or 41..2049 with (size - 1) divisible by 8, as 241, 321 or 473";
}

[[noreturn]] void refuse(const std::string& option, const std::string& reason) {
  throw CLI::ValidationError(option, reason);
}

void add_common(CLI::App& app, EvalOptions& options) {
  app.add_option("--model", options.model, "Model file")->type_name("FILE");
  app.add_option("--input-size", options.input_size, "Network side in pixels; 0 = the model's")
      ->check(check_input_size)
      ->type_name("PIXELS");
  app.add_option("--device", options.device, "auto, cpu, cuda or cuda:N")->type_name("DEVICE");
  app.add_option("--threshold", options.threshold,
                 "Least foreground probability, 0..1; -1 = the model's")
      ->type_name("P");
  app.add_option("--target-enhancement", options.target_enhancement,
                 "Whose features the memory restyles; auto = the model's")
      ->check(CLI::IsMember({"auto", "none", "support", "query", "both", "union"}));
  app.add_option("--layout", options.layout,
                 "How an image fills the square input: padded, or stretched as the element does; "
                 "auto = pad for --dataset, stretch for --video")
      ->check(CLI::IsMember({"auto", "pad", "stretch"}));
  app.add_option("--report", options.report, "Write the measurements here as JSON")
      ->type_name("FILE");
  app.add_flag("--json", options.json,
               "Print the measurements as JSON on standard output, the table on standard error");
}

void add_episodes(CLI::App& app, EvalOptions& options) {
  const std::string group = "Episodes";
  app.add_option("--dataset", options.dataset,
                 "Dataset, as folder:data/aerial or pascal:VOCdevkit/VOC2012,fold=2")
      ->type_name("KIND:ROOT[,KEY=VALUE...]")
      ->group(group);
  app.add_option("--episodes", options.episodes, "Episodes a run")
      ->check(CLI::Range(1, 1000000))
      ->type_name("N")
      ->group(group);
  app.add_option("--runs", options.runs, "Runs, each with other episodes")
      ->check(CLI::Range(1, 1000))
      ->type_name("N")
      ->group(group);
  app.add_option("--shots", options.shots, "Support images an episode")
      ->check(CLI::Range(1, 100))
      ->type_name("K")
      ->group(group);
  app.add_option("--seed", options.seed, "Seed of the first run's episodes; run i uses seed + i")
      ->type_name("N")
      ->group(group);
}

void add_video(CLI::App& app, EvalOptions& options) {
  const std::string group = "Video";
  app.add_option("--video", options.video,
                 "Folder with JPEGImages[/480p]/SEQ/*.jpg and Annotations[/480p]/SEQ/*.png; the "
                 "first mask of a sequence is given, the frames after it are scored")
      ->type_name("ROOT")
      ->group(group);
  app.add_option("--sequences", options.sequences,
                 "Only these sequences; default: those in ROOT/ImageSets, or all")
      ->delimiter(',')
      ->type_name("NAME,...")
      ->group(group);
  app.add_option("--every", options.every, "Score every N-th frame")
      ->check(CLI::Range(1, 1000000))
      ->type_name("N")
      ->group(group);
  app.add_option("--save-masks", options.save_masks,
                 "Write each mask as DIR/SEQ/FRAME.png with indices 0 and 1")
      ->type_name("DIR")
      ->group(group);
  app.add_option("--precision", options.precision, "Arithmetic of the network")
      ->check(CLI::IsMember({"auto", "fp32", "bf16", "fp16"}))
      ->group(group);
  app.add_option("--method", options.method,
                 "cdfss, or the training-free baseline: masked-average prototypes of layer2 and "
                 "layer3 features, cosine")
      ->check(CLI::IsMember({"cdfss", "prototype"}))
      ->group(group);
  app.add_option("--backbone-weights", options.backbone_weights,
                 "ImageNet weights for --method prototype instead of the model's backbone")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--backbone", options.backbone,
                 "Layout of --backbone-weights: resnet50, resnet50-deep, resnet50-caffe, "
                 "resnet101, resnet101-deep")
      ->type_name("NAME")
      ->group(group);
}

// Options that mean something only with the one or the other.
void refuse_if_given(const CLI::App& app, const std::string& group, const std::string& needs) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group() == group && option->count() > 0) {
      refuse(option->get_name(), "only with " + needs);
    }
  }
}

}  // namespace

Layout EvalOptions::input_layout() const {
  if (layout == "auto") return on_video() ? Layout::kStretch : Layout::kPad;
  return layout == "pad" ? Layout::kPad : Layout::kStretch;
}

void add_options(CLI::App& app, EvalOptions& options) {
  app.option_defaults()->always_capture_default();
  add_common(app, options);
  add_episodes(app, options);
  add_video(app, options);
}

void check_options(const CLI::App& app, const EvalOptions& options) {
  if (options.dataset.empty() == options.video.empty()) {
    refuse("--dataset, --video", "give one of the two");
  }
  refuse_if_given(app, options.on_video() ? "Episodes" : "Video",
                  options.on_video() ? "--dataset" : "--video");
  if (options.threshold != -1 && (options.threshold < 0 || options.threshold > 1)) {
    refuse("--threshold", "expected 0..1, or -1 for the model's");
  }
  if (options.backbone.empty() != options.backbone_weights.empty()) {
    refuse("--backbone, --backbone-weights", "give both or neither");
  }
  if (!options.prototype_method()) {
    if (!options.backbone.empty()) refuse("--backbone-weights", "only with --method prototype");
    if (options.on_video() && options.layout == "pad") {
      refuse("--layout", "pad with --video needs --method prototype: the element stretches");
    }
    if (options.model.empty()) refuse("--model", "needed: a model file");
    return;
  }
  if (options.model.empty() == options.backbone_weights.empty()) {
    refuse("--method", "prototype needs --model, or --backbone-weights with --backbone");
  }
  for (const char* name : {"--threshold", "--target-enhancement", "--precision"}) {
    if (app.get_option(name)->count() > 0) refuse(name, "means nothing to --method prototype");
  }
}

}  // namespace cdfss
