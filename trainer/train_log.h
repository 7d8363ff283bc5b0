// What a training run tells: progress for people, metrics.jsonl for scripts.
#pragma once

#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "progress_report.h"
#include "running_mean.h"
#include "step_losses.h"

namespace cdfss {

// How far a run is when its log is opened.
struct RunExtent {
  int steps = 0;
  int episodes_per_step = 0;
  int done = 0;        // steps of earlier processes
  int logged = 0;      // of those, the ones that metrics.jsonl still has lines of
  double seconds = 0;  // that those spent
};

// How long a step took.
struct StepTime {
  double seconds = 0;  // with the wait
  double waited = 0;   // for its batch
};

// metrics.jsonl holds one object a step ({"step", "loss", "segmentation", "auxiliary",
// "contrastive", "orthogonal", "learning_rate", "seconds", "step_seconds", "data_wait": share of
// those, 0..1, "slot_cosine": {layer: value}}; with fp16 also
// "loss_scale", and "skipped": true when the gradients overflowed) and one a validation ({"step",
// "validation_miou", "validation_fb_iou", "threshold", "seconds"}). "seconds" counts from the run's
// start and leaves out the time between its processes.
class TrainLog {
 public:
  // Appends to the file. Throws Error(kUnreadable) naming it when it cannot be written.
  TrainLog(const std::filesystem::path& metrics_file, const RunExtent& extent);

  // Steps count from 1. `slot_cosines`: of each memory layer.
  void step(int step, const StepLosses& losses, double learning_rate,
            const std::map<int, double>& slot_cosines, const StepTime& time);
  void validation(int step, double miou, double fb_iou, double threshold);
  // A line for people.
  void say(const std::string& text) { progress_.say(text); }
  // Waits until all lines are on the disk.
  void sync();

  double seconds() const { return extent_.seconds + process_seconds(); }
  double process_seconds() const { return progress_.seconds(); }  // since the log was opened

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  void write(const std::string& line);

  std::string file_name_;
  std::unique_ptr<std::FILE, CloseFile> metrics_;
  RunExtent extent_;
  ProgressReport progress_;
  RunningMean loss_, wait_;
};

// 0.4312 with 4 digits.
std::string fixed(double value, int digits);

}  // namespace cdfss
