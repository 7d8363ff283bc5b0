#include "run_leader.h"

#include <ATen/ATen.h>

#include <map>
#include <nlohmann/json.hpp>

#include "calibration.h"
#include "cdfss/error.h"
#include "checkpoint.h"
#include "generator_state.h"
#include "inference_copy.h"
#include "io/module_tensors.h"
#include "metrics_file.h"
#include "program.h"
#include "run_folder.h"
#include "run_record.h"
#include "run_report.h"
#include "sample_predictions.h"
#include "stoppable_progress.h"
#include "text_file.h"

namespace cdfss {
namespace {

constexpr double kCheckpointSeconds = 120;  // between checkpoints, unless told in steps
constexpr double kLeastPerCheckpoint = 50;  // times what one takes: they cost 2 % at most
constexpr int kSamples = 6;                 // episodes shown in the report

int episodes_per_step(const RunParts& parts) { return parts.options.batch * parts.processes; }

// What run.json says of a process that takes part.
nlohmann::json process_record(const RunParts& parts) {
  nlohmann::json record = run_environment(parts.device);
  record.update({{"command", parts.command_line}, {"started", utc_now()}});
  return record;
}

std::map<int, double> slot_cosines(Asgnet network) {
  std::map<int, double> cosines;
  for (std::size_t i = 0; i < network->memories().size(); ++i) {
    cosines[network->options().memory_layers[i]] = network->memories()[i]->slot_cosine();
  }
  return cosines;
}

// Files of a run that begins.
RunExtent begin_folder(const RunParts& parts) {
  const std::filesystem::path& folder = parts.options.output;
  nlohmann::json record = process_record(parts);
  record.update({{"seed", parts.options.seed},
                 {"steps", parts.steps},
                 {"batch", parts.options.batch},
                 {"processes", parts.processes},
                 {"shots", parts.options.shots},
                 {"query_images", parts.batches.queries()},
                 {"data", parts.sources.summary()}});
  write_text_file(folder / kConfigurationFile, parts.configuration);
  write_run_record(folder / kRecordFile, record);
  cut_metrics(folder / kMetricsFile, 0, 0);
  return {.steps = parts.steps, .episodes_per_step = episodes_per_step(parts)};
}

// Files of a run that goes on.
RunExtent reopen_folder(const RunParts& parts, const RunState& stored) {
  const std::filesystem::path metrics = parts.options.output / kMetricsFile;
  const int logged = cut_metrics(metrics, stored.step, stored.validated_step);
  nlohmann::json record = process_record(parts);
  record["after_step"] = stored.step;
  add_resumption(parts.options.output / kRecordFile, record);
  return {.steps = parts.steps,
          .episodes_per_step = episodes_per_step(parts),
          .done = stored.step,
          .logged = logged,
          .seconds = stored.seconds};
}

}  // namespace

RunLeader::RunLeader(const RunParts& parts, const ModelInfo& info, const RunExtent& extent)
    : parts_(parts), info_(info), log_(path(kMetricsFile), extent) {
  log_.say(std::to_string(parts.steps) + " steps of " + std::to_string(episodes_per_step(parts)) +
           " episodes, " + std::to_string(parts.batches.queries()) + " query images, " +
           std::to_string(at::get_num_threads()) + " threads");
  if (extent.logged != extent.done) {
    log_.say(std::string(kMetricsFile) + " has lines of " + std::to_string(extent.logged) +
             " steps only, not of " + std::to_string(extent.done));
  }
}

RunLeader::RunLeader(const RunParts& parts, const ModelInfo& info)
    : RunLeader(parts, info, begin_folder(parts)) {
  checkpoint();  // now, rather than after hours, it shows that it can be written
}

RunLeader::RunLeader(const RunParts& parts, const RunState& stored)
    : RunLeader(parts, stored.model.info, reopen_folder(parts, stored)) {
  step_ = checkpointed_step_ = stored.step;
  validated_step_ = stored.validated_step;
  best_miou_ = stored.best_miou;
  log_.say("going on after step " + std::to_string(stored.step));
  const auto then = nlohmann::json::parse(stored.environment, nullptr, false);
  for (const std::string& change : environment_changes(then, run_environment(parts.device))) {
    log_.say("the last bits of results may change: " + change);
  }
}

void RunLeader::after_step(int step, const StepLosses& losses, const StepTime& time) {
  step_ = step;
  log_.step(step, losses, parts_.optimiser.learning_rate(), slot_cosines(parts_.network), time);
  if (!finish_round_if_due() && checkpoint_due()) checkpoint();
}

void RunLeader::finish() {
  if (checkpointed_step_ < step_) checkpoint();
  if (reported_step_ < step_) report();
  if (step_ < parts_.steps) {
    log_.say("stopped after step " + std::to_string(step_) + " of " + std::to_string(parts_.steps) +
             "; --resume goes on from there");
  }
  export_model();
}

std::string RunLeader::last_checkpoint() const {
  return "\nThe last checkpoint is of step " + std::to_string(checkpointed_step_) + ".";
}

// What is done every so many steps, and at the end.
bool RunLeader::finish_round_if_due() {
  const bool due =
      step_ > validated_step_ && (step_ % parts_.validate_every == 0 || step_ == parts_.steps);
  if (!due) return false;
  validate();
  checkpoint();
  report();
  return true;
}

bool RunLeader::checkpoint_due() const {
  const int every = parts_.options.checkpoint_every;
  if (every > 0) return step_ % every == 0;
  return since_checkpoint_.seconds() >=
         std::max(kCheckpointSeconds, kLeastPerCheckpoint * checkpoint_seconds_);
}

EpisodeEvaluationOptions RunLeader::evaluation_options() const {
  const TrainOptions& options = parts_.options;
  return {.episodes = options.validation_episodes,
          .shots = options.shots,
          .input_size = options.augmentation.size,
          .seed = options.seed,
          .enhancement = options.target_enhancement};
}

// Keeps the network as best.safetensors if it is. With --calibrate at its best threshold.
void RunLeader::validate() {
  if (!parts_.sources.validation) {
    validated_step_ = step_;
    return;
  }
  const GeneratorGuard training_goes_on_as_without_it(parts_.device);
  const EpisodeEvaluationOptions evaluation = evaluation_options();
  const auto progress = [show = stoppable_progress("validation episodes"),
                         total = evaluation.episodes](int done) { return show(done, total); };
  Asgnet copy = inference_copy(parts_.network, at::kFloat);
  Calibration result;
  if (parts_.options.calibrate) {
    result = calibrate_threshold(copy, parts_.sources.validation, evaluation, progress);
  } else {
    const EpisodeEvaluation scores =
        evaluate_episodes(copy, parts_.sources.validation, evaluation, progress);
    result = {.threshold = evaluation.threshold, .miou = scores.miou, .fb_iou = scores.fb_iou};
  }
  if (interrupted()) return;  // a score of fewer episodes would not compare
  validated_step_ = step_;
  log_.validation(step_, result.miou, result.fb_iou, result.threshold);
  info_.threshold = result.threshold;
  if (result.miou <= best_miou_) return;
  best_miou_ = result.miou;
  info_.metadata["validation_miou"] = fixed(result.miou, 4);
  save("best");
  info_.metadata.erase("validation_miou");
}

// Everything that a process needs to go on here.
void RunLeader::checkpoint() {
  const Stopwatch watch;
  log_.sync();  // the state must not be ahead of its metrics
  try {
    write_run_state(path(kStateFile), state());
    save("last");
  } catch (const Error& e) {
    throw Error(e.code(), "step " + std::to_string(step_) + ": " + e.what() + last_checkpoint());
  }
  checkpointed_step_ = step_;
  checkpoint_seconds_ = watch.seconds();
  since_checkpoint_ = Stopwatch();
}

void RunLeader::report() {
  std::vector<SamplePrediction> samples;
  if (parts_.sources.validation) {
    const GeneratorGuard training_goes_on_as_without_it(parts_.device);
    Asgnet copy = inference_copy(parts_.network, at::kFloat);
    EpisodeEvaluationOptions evaluation = evaluation_options();
    evaluation.threshold = info_.threshold;
    copy->eval();
    samples = sample_predictions(copy, parts_.sources.validation, evaluation, kSamples);
  }
  write_text_file(path(kReportFile),
                  run_report(nlohmann::json::parse(read_text_file(path(kRecordFile))),
                             read_metrics(path(kMetricsFile)), samples));
  reported_step_ = step_;
}

RunState RunLeader::state() const {
  return {.step = step_,
          .steps = parts_.steps,
          .batches = parts_.batches.taken(),
          .validated_step = validated_step_,
          .best_miou = best_miou_,
          .seconds = log_.seconds(),
          .configuration = parts_.configuration,
          .environment = run_environment(parts_.device).dump(),
          .data = parts_.fingerprint,
          .model = {.network = parts_.network->options(), .info = info_},
          .network = module_tensors(*parts_.network),
          .optimiser = parts_.optimiser.state(),
          .generators = generator_states(parts_.device)};
}

void RunLeader::save(const std::string& name) {
  save_checkpoint(parts_.options.output, name, parts_.network, info_, step_, parts_.steps);
}

void RunLeader::export_model() {
  const std::filesystem::path& target = parts_.options.export_file;
  if (target.empty()) return;
  const std::string name = best_miou_ >= 0 ? "best" : "last";
  LoadedModel chosen = load_model(path(name + ".safetensors"));
  save_model(target, chosen.network, chosen.info, Storage::kFloat16);
  log_.say("exported " + name + " to " + target.string());
}

}  // namespace cdfss
