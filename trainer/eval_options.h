// The command line of cdfss-eval.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cdfss/segmenter.h"
#include "data/augmentation.h"

namespace cdfss {

struct EvalOptions {
  std::filesystem::path model;
  int input_size = 0;       // 0 = the model's
  std::string device = "auto";
  float threshold = -1;     // -1 = the model's
  std::string target_enhancement = "auto";  // auto = the model's
  std::string layout = "auto";
  std::filesystem::path report;
  bool json = false;

  std::string dataset;  // kind:ROOT[,key=value...]
  int episodes = 1000;
  int runs = 5;
  int shots = 1;
  std::uint64_t seed = 321;

  std::filesystem::path video;
  std::vector<std::string> sequences;
  int every = 1;
  std::filesystem::path save_masks;
  std::string precision = "auto";
  std::string method = "cdfss";
  std::string backbone;
  std::filesystem::path backbone_weights;

  bool on_video() const { return !video.empty(); }
  bool prototype_method() const { return method == "prototype"; }
  // kPad for episodes (SPEC A13), kStretch for video (as the element), unless asked for.
  Layout input_layout() const;
};

// The options refer to `options`, which must outlive `app`.
void add_options(CLI::App& app, EvalOptions& options);

// What CLI11 cannot say: throws CLI::ValidationError naming the options that are missing or do not
// go together.
void check_options(const CLI::App& app, const EvalOptions& options);

}  // namespace cdfss
