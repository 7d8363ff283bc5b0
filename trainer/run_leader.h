// What one process of a training run does for all of them: the run's folder and log.
#pragma once

#include <c10/core/Device.h>

#include <filesystem>
#include <optional>
#include <string>

#include "episode_evaluation.h"
#include "optimiser.h"
#include "run_state.h"
#include "stopwatch.h"
#include "train_log.h"
#include "train_options.h"
#include "training_batches.h"
#include "training_sources.h"

namespace cdfss {

// A run as all its processes have it. What is referred to must outlive the leader.
struct RunParts {
  const TrainOptions& options;
  const TrainingSources& sources;
  const TrainingBatches& batches;
  const Optimiser& optimiser;
  Asgnet network;
  at::Device device;
  int steps = 0;           // of the whole run
  int validate_every = 0;  // steps
  int processes = 1;
  std::string command_line;
  std::string configuration;  // as effective_configuration() gives it
  std::string fingerprint;    // of the sources
};

// Validates, writes what docs/training.md says lies in the folder, and tells how far the run is.
// Nothing here draws from the generators that training draws from. The folder must be held
// (RunFolder).
class RunLeader {
 public:
  // For a run that begins: writes its record and a first checkpoint. Throws Error(kUnreadable)
  // naming what cannot be written, as all that follows.
  RunLeader(const RunParts& parts, const ModelInfo& info);
  // For one that goes on: cuts metrics.jsonl to what `stored` holds and says what has changed
  // since.
  RunLeader(const RunParts& parts, const RunState& stored);

  // After step `step`, from 1: its line in the log; validation, report and checkpoint when they are
  // due.
  void after_step(int step, const StepLosses& losses, const StepTime& time);
  // The validation that Ctrl-C kept from the step that the run goes on from, if it did.
  void catch_up() { finish_round_if_due(); }
  // The last checkpoint, report and model, whether all steps were done or not.
  void finish();

  // A line for messages of failures: where the run can go on.
  std::string last_checkpoint() const;
  // Since this process began to train.
  double process_seconds() const { return log_.process_seconds(); }

 private:
  RunLeader(const RunParts& parts, const ModelInfo& info, const RunExtent& extent);

  std::filesystem::path path(std::string_view name) const { return parts_.options.output / name; }
  bool finish_round_if_due();
  bool checkpoint_due() const;
  void validate();
  void checkpoint();
  void report();
  void save(const std::string& name);
  void export_model();
  RunState state() const;
  EpisodeEvaluationOptions evaluation_options() const;

  RunParts parts_;
  ModelInfo info_;
  TrainLog log_;
  int step_ = 0, validated_step_ = 0, checkpointed_step_ = 0, reported_step_ = 0;
  double best_miou_ = -1;          // below 0: none
  double checkpoint_seconds_ = 0;  // that the last one took
  Stopwatch since_checkpoint_;
};

}  // namespace cdfss
