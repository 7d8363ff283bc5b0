// Which options of cdfss-eval go together.
#include <algorithm>
#include <string>
#include <vector>

#include "eval_options.h"
#include "paper_tables.h"

namespace cdfss {
namespace {

[[noreturn]] void refuse(const std::string& option, const std::string& reason) {
  throw CLI::ValidationError(option, reason);
}

bool given(const CLI::App& app, const std::string& option) {
  return app.get_option(option)->count() > 0;
}

using enum EvalMode;

// An option that means something in some modes only, and how those are asked for.
struct Use {
  std::vector<std::string> options;
  std::vector<EvalMode> modes;
  std::string needs;
};

const std::vector<Use>& uses() {
  static const std::vector<Use> kUses{
      {{"--episodes", "--runs"},
       {kEpisodes, kTransfer, kPaperTable, kPaperAblation},
       "--dataset or --protocol, without --figure and --list-classes"},
      {{"--shots"},
       {kEpisodes, kTransfer, kClassList},
       "--dataset or a --protocol such as coco-pascal"},
      {{"--seed"},
       {kEpisodes, kTransfer, kPaperTable, kPaperAblation, kMaskFigure, kPrototypeFigure},
       "--dataset, --protocol or --figure"},
      {{"--model"},
       {kEpisodes, kVideo, kTransfer, kPaperTable, kMaskFigure, kPrototypeFigure},
       "something to measure; paper-table4..6 take --row-model"},
      {{"--input-size", "--device", "--target-enhancement"},
       {kEpisodes, kVideo, kTransfer, kPaperTable, kPaperAblation, kMaskFigure, kPrototypeFigure},
       "something to measure"},
      {{"--threshold"},
       {kEpisodes, kVideo, kTransfer, kPaperTable, kPaperAblation, kMaskFigure},
       "something that predicts masks"},
      {{"--layout"},
       {kEpisodes, kVideo, kTransfer, kPaperTable, kPaperAblation, kMaskFigure, kPrototypeFigure},
       "something to measure"},
      {{"--row-model"}, {kPaperAblation}, "--protocol paper-table4..6"},
      {{"--keep-classes"},
       {kTransfer, kClassList, kMaskFigure, kPrototypeFigure},
       "a --protocol such as coco-suim"},
      {{"--output", "--baseline-model"}, {kMaskFigure, kPrototypeFigure}, "--figure"},
      {{"--rows"}, {kMaskFigure}, "--figure masks"},
      {{"--samples"}, {kPrototypeFigure}, "--figure prototypes"},
      {{"--sequences", "--every", "--save-masks", "--precision", "--method", "--backbone-weights",
        "--backbone"},
       {kVideo},
       "--video"}};
  return kUses;
}

void check_modes(const CLI::App& app, EvalMode mode) {
  for (const Use& use : uses()) {
    if (std::ranges::find(use.modes, mode) != use.modes.end()) continue;
    for (const std::string& option : use.options) {
      if (given(app, option)) refuse(option, "only with " + use.needs);
    }
  }
}

// One of --dataset, --video, --protocol; --list-classes and --figure say what to do with it.
void check_source(const EvalOptions& options) {
  const int sources = (options.dataset.empty() ? 0 : 1) + (options.video.empty() ? 0 : 1) +
                      (options.protocol.empty() ? 0 : 1);
  if (sources != 1) refuse("--dataset, --video, --protocol", "give one of the three");
  if (options.list_classes && !options.figure.empty()) {
    refuse("--list-classes, --figure", "give one of the two");
  }
  const bool acts_on_classes = options.list_classes || !options.figure.empty();
  const std::string act = options.list_classes ? "--list-classes" : "--figure";
  if (acts_on_classes && options.on_video()) refuse(act, "not with --video");
  if (acts_on_classes && options.protocol.starts_with("paper-")) {
    refuse(act, "not with a table of the paper: name its task, as --protocol coco-pascal");
  }
}

void check_protocol(const CLI::App& app, const EvalOptions& options) {
  if (options.protocol.empty()) {
    for (const char* name : {"--data-root", "--fold", "--fold-table", "--keep-classes"}) {
      if (given(app, name)) refuse(name, "only with --protocol");
    }
    return;
  }
  const bool to_pascal = options.protocol == "coco-pascal" || options.protocol == "paper-table1" ||
                         options.mode() == kPaperAblation;
  if (given(app, "--fold-table") && !to_pascal) {
    refuse("--fold-table", "only for COCO-20i to PASCAL-5i, not for " + options.protocol);
  }
  // The classes of PASCAL and SUIM are known without the files, published means without anything.
  const bool needs_data = options.list_classes
                              ? options.protocol == "coco-fss"
                              : options.mode() != kPaperAblation || !options.row_models.empty();
  if (options.data_root.empty() && needs_data) {
    refuse("--data-root", "needed: the folder with the target datasets");
  }
}

void check_figure(const EvalOptions& options) {
  if (options.figure.empty()) return;
  if (options.output.empty()) refuse("--output", "needed: the picture that --figure writes");
  const std::string extension = options.output.extension().string();
  if (extension != ".png" && (options.figure == "masks" || extension != ".svg")) {
    refuse("--output", options.output.string() + ": --figure " + options.figure + " writes " +
                           (options.figure == "masks" ? ".png" : ".png or .svg"));
  }
  if (!options.protocol.empty() && !options.fold) {
    refuse("--fold", "needed: --figure draws one fold of --protocol " + options.protocol);
  }
}

void check_row_models(const EvalOptions& options) {
  const PaperAblation& ablation = *find_paper_ablation(options.protocol);
  std::string keys;
  for (const PaperVariant& variant : ablation.variants) {
    keys += (keys.empty() ? "" : ", ") + variant.key;
  }
  std::vector<std::string> seen;
  for (const std::string& row : options.row_models) {
    const auto equals = row.find('=');
    const std::string key = row.substr(0, equals);
    if (equals == std::string::npos || equals + 1 == row.size()) {
      refuse("--row-model", "\"" + row + "\": expected ROW=FILE with ROW " + keys);
    }
    if (std::ranges::find(ablation.variants, key, &PaperVariant::key) == ablation.variants.end()) {
      refuse("--row-model", options.protocol + " has no row \"" + key + "\", expected " + keys);
    }
    if (std::ranges::find(seen, key) != seen.end()) {
      refuse("--row-model", "the row " + key + " is given twice");
    }
    seen.push_back(key);
  }
}

void check_video_method(const CLI::App& app, const EvalOptions& options) {
  if (options.backbone.empty() != options.backbone_weights.empty()) {
    refuse("--backbone, --backbone-weights", "give both or neither");
  }
  if (!options.prototype_method()) {
    if (!options.backbone.empty()) refuse("--backbone-weights", "only with --method prototype");
    if (options.on_video() && options.layout == "pad") {
      refuse("--layout", "pad with --video needs --method prototype: the element stretches");
    }
    return;
  }
  if (options.model.empty() == options.backbone_weights.empty()) {
    refuse("--method", "prototype needs --model, or --backbone-weights with --backbone");
  }
  for (const char* name : {"--threshold", "--target-enhancement", "--precision"}) {
    if (given(app, name)) refuse(name, "means nothing to --method prototype");
  }
}

}  // namespace

void check_options(const CLI::App& app, const EvalOptions& options) {
  check_source(options);
  check_modes(app, options.mode());
  check_protocol(app, options);
  check_figure(options);
  check_video_method(app, options);
  const bool is_probability = options.threshold >= 0 && options.threshold <= 1;  // NaN is none
  if (options.threshold != -1 && !is_probability) {
    refuse("--threshold", "expected 0..1, or -1 for the model's");
  }
  if (options.mode() == kPaperAblation) {
    check_row_models(options);
  } else if (options.mode() != kClassList && !options.prototype_method() && options.model.empty()) {
    refuse("--model", "needed: a model file");
  }
}

}  // namespace cdfss
