// The command line of cdfss-eval.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cdfss/segmenter.h"
#include "data/augmentation.h"
#include "data/class_tables.h"
#include "report.h"

namespace cdfss {

// What one call of the program does.
enum class EvalMode {
  kEpisodes,         // --dataset
  kVideo,            // --video
  kTransfer,         // --protocol of a source and a target
  kPaperTable,       // --protocol paper-table1..3
  kPaperAblation,    // --protocol paper-table4..6
  kClassList,        // --list-classes
  kMaskFigure,       // --figure masks
  kPrototypeFigure,  // --figure prototypes
};

struct EvalOptions {
  std::filesystem::path model;  // with --protocol: may hold {fold} and {source}
  int input_size = 0;           // 0 = the model's
  std::string device = "auto";
  float threshold = -1;                     // -1 = the model's
  std::string target_enhancement = "auto";  // auto = the model's
  std::string layout = "auto";
  std::filesystem::path report;
  bool json = false;
  std::string format = "text";  // text, markdown or json

  std::string dataset;  // kind:ROOT[,key=value...]
  int episodes = 1000;
  int runs = 5;
  int shots = 1;
  std::uint64_t seed = 321;

  std::string protocol;
  std::filesystem::path data_root;
  std::optional<int> fold;  // none: all
  std::string fold_table = "standard";
  std::vector<std::string> keep_classes;  // tested on whatever the protocol decides
  std::vector<std::string> row_models;    // ROW=FILE
  bool list_classes = false;

  std::string figure;
  std::filesystem::path output;
  std::filesystem::path baseline_model;
  int rows = 6;
  int samples = 20;

  std::filesystem::path video;
  std::vector<std::string> sequences;
  int every = 1;
  std::filesystem::path save_masks;
  std::string precision = "auto";
  std::string method = "cdfss";
  std::string backbone;
  std::filesystem::path backbone_weights;

  // check_options makes sure that it is one only.
  EvalMode mode() const;
  bool on_video() const { return !video.empty(); }
  bool prototype_method() const { return method == "prototype"; }
  bool prints_json() const { return json || format == "json"; }
  TableStyle table_style() const;
  FoldTable class_fold_table() const;
  // kPad for episodes (SPEC A13), kStretch for video (as the element), unless asked for.
  Layout input_layout() const;
};

// The options refer to `options`, which must outlive `app`.
void add_options(CLI::App& app, EvalOptions& options);

// What CLI11 cannot say: throws CLI::ValidationError naming the options that are missing or do not
// go together.
void check_options(const CLI::App& app, const EvalOptions& options);

}  // namespace cdfss
