// What a training run tells: a progress bar or log lines, and metrics.jsonl.
#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "progress_bar.h"
#include "step_losses.h"

namespace cdfss {

// On a terminal a progress bar on stderr, else a log line about every ten seconds. metrics.jsonl
// holds one object a step ({"step", "loss", "segmentation", "auxiliary", "contrastive",
// "orthogonal", "learning_rate", "seconds", "slot_cosine": {layer: value}}) and one a validation
// ({"step", "validation_miou", "validation_fb_iou", "seconds"}).
class TrainLog {
 public:
  // Throws Error(kUnreadable) naming the file that cannot be written.
  TrainLog(const std::filesystem::path& metrics_file, int steps, int episodes_per_step);

  // Steps count from 1. `slot_cosines`: of each memory layer.
  void step(int step, const StepLosses& losses, double learning_rate,
            const std::map<int, double>& slot_cosines);
  void validation(int step, double miou, double fb_iou);
  // A line for people, wiping the bar first.
  void say(const std::string& text);

  double seconds() const;  // since the start

 private:
  std::ofstream metrics_;
  ProgressBar bar_;
  int steps_, episodes_per_step_;
  double smooth_loss_ = 0;
  std::chrono::steady_clock::time_point start_, last_line_;
  bool terminal_;
};

// 0.4312 with 4 digits.
std::string fixed(double value, int digits);

}  // namespace cdfss
