// What cdfss-train is told on its command line.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cdfss/model_info.h"
#include "data/augmentation.h"
#include "model/asgnet.h"
#include "optimiser.h"
#include "training_step.h"

namespace cdfss {

struct TrainOptions {
  std::vector<std::string> data;        // dataset specs, merged by class name
  std::vector<std::string> validation;  // dataset specs of other classes
  std::vector<int> held_out;            // {modulus, remainder}, or empty
  std::filesystem::path output;
  std::filesystem::path sweep;        // empty: one run
  bool resume = false;                // go on with the run in `output`
  std::filesystem::path export_file;  // empty: none

  AsgnetOptions network;
  std::filesystem::path backbone_weights;  // empty: random
  std::filesystem::path init_from;         // empty: none
  int pca_init = 0;                        // images; 0 = random
  TargetEnhancement target_enhancement = TargetEnhancement::kNone;

  AugmentationOptions augmentation;
  int inference_size = 0;    // side stored in the model file; 0 = the training side
  double amplitude_mix = 0;  // beta of mix_amplitudes(), of transformed views; 0 = off
  int shots = 1;
  bool balance_classes = false;
  int feature_cache = 0;  // augmented views an image, encoded once; 0 = encode in every step

  int batch = 12;
  int epochs = 20;
  int steps = 0;           // 0: by epochs
  double max_seconds = 0;  // 0: no limit
  OptimiserOptions optimiser;
  TrainingStepOptions step;

  int validate_every = 0;  // steps; 0 = each epoch
  int validation_episodes = 200;
  bool calibrate = false;
  int checkpoint_every = 0;  // steps; 0 = by time

  std::string device = "auto";
  int threads = 0;  // of the network; 0 = one a core
  int loader_threads = 2;
  std::uint64_t seed = 321;
};

// What options say in words, until finish_options() turns it into values.
struct TrainOptionTexts {
  std::string memory_layers = "0,1";
  std::string memory_update = "nearest";
  std::string memory_init = "first";
  std::string alpha_mode = "const";
  std::string source_enhancement = "support";
  std::string preset;  // empty: none
  std::string enhance_with = "memory";
  std::string optimiser = "sgd";
  std::string schedule = "poly";
  std::string target_enhancement = "auto";
  std::string precision = "fp32";
  std::string batch_norm = "eval";
};
// Declares the options on `app`; `options` and `texts` must outlive the parse.
void add_train_options(CLI::App& app, TrainOptions& options, TrainOptionTexts& texts);

// Resolves the texts and checks options against each other. Throws CLI::ValidationError naming the
// options that do not fit.
void finish_options(TrainOptions& options, const TrainOptionTexts& texts);

}  // namespace cdfss
