// What a training run tells: progress for people, metrics.jsonl for scripts.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "progress_report.h"
#include "step_losses.h"

namespace cdfss {

// metrics.jsonl holds one object a step ({"step", "loss", "segmentation", "auxiliary",
// "contrastive", "orthogonal", "learning_rate", "seconds", "slot_cosine": {layer: value}}) and one a
// validation ({"step", "validation_miou", "validation_fb_iou", "threshold", "seconds"}).
class TrainLog {
 public:
  // Throws Error(kUnreadable) naming the file that cannot be written.
  TrainLog(const std::filesystem::path& metrics_file, int steps, int episodes_per_step);

  // Steps count from 1. `slot_cosines`: of each memory layer.
  void step(int step, const StepLosses& losses, double learning_rate,
            const std::map<int, double>& slot_cosines);
  void validation(int step, double miou, double fb_iou, double threshold);
  // A line for people.
  void say(const std::string& text) { progress_.say(text); }

  double seconds() const { return progress_.seconds(); }  // since the start

 private:
  std::ofstream metrics_;
  ProgressReport progress_;
  int episodes_per_step_;
  double smooth_loss_ = 0;
};

// 0.4312 with 4 digits.
std::string fixed(double value, int digits);

}  // namespace cdfss
