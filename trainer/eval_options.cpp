#include "eval_options.h"

#include "data/transfer.h"
#include "paper_tables.h"

namespace cdfss {
namespace {

// (S - 1) % 8 == 0, or 0 for the model's own.
std::string check_input_size(const std::string& text) {
  int side = 0;
  if (!CLI::detail::lexical_cast(text, side)) return "\"" + text + "\" is not a whole number";
  if (side == 0 || (side >= 41 && side <= 2049 && (side - 1) % 8 == 0)) return {};
  return text + ": expected 0, or 41..2049 with (size - 1) divisible by 8, as 241, 321 or 473";
}

std::vector<std::string> protocol_names() {
  std::vector<std::string> names;
  for (const Transfer& transfer : transfers()) names.push_back(transfer.name);
  for (const PaperTable& table : paper_tables()) names.push_back(table.protocol);
  for (const PaperAblation& ablation : paper_ablations()) names.push_back(ablation.protocol);
  return names;
}

void add_common(CLI::App& app, EvalOptions& options) {
  app.add_option("--model", options.model,
                 "Model file; with --protocol, {fold} and {source} in its name are replaced by the "
                 "fold's number and by coco or pascal")
      ->type_name("FILE");
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
  app.add_option("--format", options.format,
                 "How the measurements are printed: aligned text, Markdown, or json as --json")
      ->check(CLI::IsMember({"text", "markdown", "json"}));
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

void add_protocol(CLI::App& app, EvalOptions& options) {
  const std::string group = "Protocol";
  app.add_option("--protocol", options.protocol,
                 "A cross-domain task of the paper, or one of its tables beside our numbers")
      ->check(CLI::IsMember(protocol_names()))
      ->group(group);
  app.add_option("--data-root", options.data_root,
                 "Folder with the target datasets: VOCdevkit/VOC2012, fss-1000, SUIM")
      ->type_name("DIR")
      ->group(group);
  app.add_option("--fold", options.fold, "Only this fold of the source, 0..3; default: all")
      ->check(CLI::Range(0, kPaperFolds - 1))
      ->type_name("N")
      ->group(group);
  app.add_option("--fold-table", options.fold_table,
                 "Classes of the folds of coco-pascal: as VOC numbers them, or RePRI's, which "
                 "swaps cat and car")
      ->check(CLI::IsMember({"standard", "repri"}))
      ->group(group);
  app.add_option("--keep-classes", options.keep_classes,
                 "Classes to test on although the protocol leaves them out, as HD of SUIM")
      ->delimiter(',')
      ->type_name("NAME,...")
      ->group(group);
  app.add_option("--row-model", options.row_models,
                 "Model of a row of paper-table4..6, as mixstyle=FILE; {fold} as in --model; can "
                 "be given several times")
      ->type_name("ROW=FILE")
      ->group(group);
  app.add_flag("--list-classes", options.list_classes,
               "Only print which classes of --dataset or --protocol are tested on, and why")
      ->group(group);
}

void add_figure(CLI::App& app, EvalOptions& options) {
  const std::string group = "Figure";
  app.add_option("--figure", options.figure,
                 "Draw instead of measuring: masks of random episodes, or prototypes by class in "
                 "two dimensions")
      ->check(CLI::IsMember({"masks", "prototypes"}))
      ->group(group);
  app.add_option("--output", options.output, "Picture to write; .svg only for prototypes")
      ->type_name("FILE.png|.svg")
      ->group(group);
  app.add_option("--baseline-model", options.baseline_model,
                 "Model to compare with; default: prototypes of the model's backbone, without "
                 "training")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--rows", options.rows, "Episodes in the figure of masks")
      ->check(CLI::Range(1, 100))
      ->type_name("N")
      ->group(group);
  app.add_option("--samples", options.samples, "Images a class, at most, in that of prototypes")
      ->check(CLI::Range(2, 1000))
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
      ->check(CLI::IsMember({"auto", "fp32", "bf16", "fp16", "int8"}))
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

}  // namespace

EvalMode EvalOptions::mode() const {
  if (list_classes) return EvalMode::kClassList;
  if (figure == "masks") return EvalMode::kMaskFigure;
  if (figure == "prototypes") return EvalMode::kPrototypeFigure;
  if (find_paper_table(protocol) != nullptr) return EvalMode::kPaperTable;
  if (find_paper_ablation(protocol) != nullptr) return EvalMode::kPaperAblation;
  if (!protocol.empty()) return EvalMode::kTransfer;
  return on_video() ? EvalMode::kVideo : EvalMode::kEpisodes;
}

TableStyle EvalOptions::table_style() const {
  return format == "markdown" ? TableStyle::kMarkdown : TableStyle::kText;
}

FoldTable EvalOptions::class_fold_table() const {
  return fold_table == "repri" ? FoldTable::kRepri : FoldTable::kStandard;
}

Layout EvalOptions::input_layout() const {
  if (layout == "auto") return on_video() ? Layout::kStretch : Layout::kPad;
  return layout == "pad" ? Layout::kPad : Layout::kStretch;
}

void add_options(CLI::App& app, EvalOptions& options) {
  app.option_defaults()->always_capture_default();
  add_common(app, options);
  add_episodes(app, options);
  add_protocol(app, options);
  add_figure(app, options);
  add_video(app, options);
}

}  // namespace cdfss
