#include "train_loop.h"

#include <ATen/ATen.h>

#include <map>
#include <memory>
#include <optional>

#include "calibration.h"
#include "cdfss/error.h"
#include "checkpoint.h"
#include "device.h"
#include "episode_evaluation.h"
#include "generator_state.h"
#include "inference_copy.h"
#include "io/module_tensors.h"
#include "metrics_file.h"
#include "non_finite.h"
#include "program.h"
#include "reduction_init.h"
#include "run_configuration.h"
#include "run_folder.h"
#include "run_record.h"
#include "run_report.h"
#include "run_state.h"
#include "sample_predictions.h"
#include "stoppable_progress.h"
#include "stopwatch.h"
#include "text_file.h"
#include "train_log.h"
#include "training_batches.h"
#include "training_sources.h"

namespace cdfss {
namespace {

constexpr double kCheckpointSeconds = 120;   // between checkpoints, unless told in steps
constexpr double kLeastPerCheckpoint = 50;   // times what one takes: they cost 2 % at most
constexpr int kSamples = 6;                  // episodes shown in the report

// oneDNN and cuDNN are faster on channels-last weights.
void to_channels_last(Asgnet& network) {
  for (at::Tensor parameter : network->parameters()) {
    if (parameter.dim() == 4) {
      parameter.set_data(parameter.detach().contiguous(at::MemoryFormat::ChannelsLast));
    }
  }
}

class Run {
 public:
  Run(const TrainOptions& options, const std::string& command_line,
      const std::string& configuration)
      : options_(options),
        command_line_(command_line),
        configuration_(configuration),
        device_(resolve_device(device_of_process(options.device))),
        group_(ProcessGroup::from_environment(device_.type())),
        sources_(open_training_sources(options)),
        fingerprint_(sources_.fingerprint()) {
    if (group_.leads()) folder_.emplace(options.output, options.resume);
  }

  void train() {
    const std::optional<RunState> stored = stored_state();
    make_network(stored);
    const BatchRange range{.taken = stored ? stored->batches : 0,
                           .index = group_.rank(),
                           .count = group_.size()};
    batches_.emplace(options_, sources_.training, network_, options_.output, range,
                     stoppable_progress("views"));
    if (interrupted()) return;  // nothing was done that a checkpoint could keep
    count_steps(stored);
    if (!stored && options_.pca_init > 0) {
      initialise_reduction(network_, [this] { return batches_->next(); }, options_.pca_init,
                           options_.step.encoder.bf16);
    }
    for (auto& [name, tensor] : module_tensors(*network_)) group_.broadcast(tensor);
    optimiser_.emplace(network_, options_.optimiser);
    TrainingStep training_step(network_, options_.step, group_);
    stored ? resume(*stored) : start();
    if (validation_due() && validated_step_ < step_) finish_round();
    while (step_ < steps_ && !all_should_stop()) {
      run_step(training_step);
      if (validation_due()) {
        finish_round();
      } else if (checkpoint_due()) {
        checkpoint();
      }
    }
    if (checkpointed_step_ < step_) checkpoint();
    if (reported_step_ < step_) report();
    if (log_ && step_ < steps_) {
      log_->say("stopped after step " + std::to_string(step_) + " of " + std::to_string(steps_) +
                "; --resume goes on from there");
    }
    export_model();
  }

 private:
  // The state to go on from, checked against the options; none for a run that begins.
  std::optional<RunState> stored_state() const {
    // The leader may have begun to write already.
    if (!group_.leads() && !options_.resume) return std::nullopt;
    const std::filesystem::path file = path(kStateFile);
    if (std::filesystem::exists(file)) {
      RunState state = read_run_state(file);
      require_same_configuration(state.configuration, configuration_, file);
      if (state.data != fingerprint_) {
        throw Error(ErrorCode::kInvalidValue,
                    file.string() + " is of a run on other data: images or classes of --data, "
                                    "--held-out or --validation have changed since");
      }
      return state;
    }
    // Killed before its first checkpoint.
    const std::filesystem::path configuration = path(kConfigurationFile);
    if (std::filesystem::exists(configuration)) {
      require_same_configuration(read_text_file(configuration), configuration_, configuration);
    }
    return std::nullopt;
  }

  void make_network(const std::optional<RunState>& stored) {
    if (stored) {
      AsgnetOptions network = stored->model.network;
      // Of training only, so no model file has them.
      network.memory.beta_retention = options_.network.memory.beta_retention;
      network.memory.probability = options_.network.memory.probability;
      network_ = Asgnet(network);
      assign_tensors(module_tensors(*network_), stored->network, path(kStateFile),
                     "this run's network");
      info_ = stored->model.info;
    } else {
      network_ = initial_network(options_);
      info_ = run_info(options_, command_line_);
    }
    network_->to(device_);
    to_channels_last(network_);
  }

  void count_steps(const std::optional<RunState>& stored) {
    const int steps_per_epoch = std::max(1, batches_->queries() / episodes_per_step());
    steps_ = options_.steps > 0 ? options_.steps : options_.epochs * steps_per_epoch;
    validate_every_ = options_.validate_every > 0 ? options_.validate_every : steps_per_epoch;
    if (stored && stored->steps != steps_) {
      throw Error(ErrorCode::kInvalidValue,
                  path(kStateFile).string() + " is of a run of " +
                      std::to_string(stored->steps) + " steps, but --steps or --epochs ask for " +
                      std::to_string(steps_) + ", which would change the learning rates");
    }
  }

  // Of all processes.
  int episodes_per_step() const { return options_.batch * group_.size(); }

  std::filesystem::path path(std::string_view name) const { return options_.output / name; }

  void start() {
    if (!group_.leads()) return;
    nlohmann::json record = run_environment(device_);
    record.update({{"command", command_line_},
                   {"started", utc_now()},
                   {"seed", options_.seed},
                   {"steps", steps_},
                   {"batch", options_.batch},
                   {"processes", group_.size()},
                   {"shots", options_.shots},
                   {"query_images", batches_->queries()},
                   {"data", sources_.summary()}});
    write_text_file(path(kConfigurationFile), configuration_);
    write_run_record(path(kRecordFile), record);
    cut_metrics(path(kMetricsFile), 0, 0);
    open_log({.steps = steps_, .episodes_per_step = episodes_per_step()});
    checkpoint();  // now, rather than after hours, it shows that it can be written
  }

  void resume(const RunState& stored) {
    const std::string file = path(kStateFile).string();
    optimiser_->set_state(stored.optimiser, file);
    set_generator_states(stored.generators, device_, file);
    step_ = checkpointed_step_ = stored.step;
    validated_step_ = stored.validated_step;
    best_miou_ = stored.best_miou;
    if (!group_.leads()) return;
    const int lines = cut_metrics(path(kMetricsFile), step_, validated_step_);
    nlohmann::json record = run_environment(device_);
    record.update({{"command", command_line_}, {"started", utc_now()}, {"after_step", step_}});
    add_resumption(path(kRecordFile), record);
    open_log({.steps = steps_,
              .episodes_per_step = episodes_per_step(),
              .done = step_,
              .seconds = stored.seconds});
    log_->say("going on after step " + std::to_string(step_));
    if (lines != step_) {
      log_->say(std::string(kMetricsFile) + " has lines of " + std::to_string(lines) +
                " steps only");
    }
    const auto then = nlohmann::json::parse(stored.environment, nullptr, false);
    for (const std::string& change : environment_changes(then, run_environment(device_))) {
      log_->say("the last bits of results may change: " + change);
    }
  }

  void open_log(const RunExtent& extent) {
    log_.emplace(path(kMetricsFile), extent);
    log_->say(std::to_string(steps_) + " steps of " + std::to_string(episodes_per_step()) +
              " episodes, " + std::to_string(batches_->queries()) + " query images, " +
              std::to_string(at::get_num_threads()) + " threads");
  }

  void run_step(TrainingStep& training_step) {
    const Stopwatch watch;
    const EpisodeBatch batch = batches_->next();
    optimiser_->set_step(step_ + 1, steps_);
    StepLosses losses;
    try {
      losses = training_step.run(batch, *optimiser_);
    } catch (const Error& e) {
      throw Error(e.code(), "step " + std::to_string(step_ + 1) + ": " + e.what() +
                                non_finite_cause(network_, batch) + last_checkpoint());
    }
    ++step_;
    if (!log_) return;
    log_->step(step_, losses, optimiser_->learning_rate(), slot_cosines(),
               {.seconds = watch.seconds(), .waited = batches_->seconds_waited()});
  }

  std::map<int, double> slot_cosines() {
    std::map<int, double> cosines;
    for (std::size_t i = 0; i < network_->memories().size(); ++i) {
      cosines[network_->options().memory_layers[i]] = network_->memories()[i]->slot_cosine();
    }
    return cosines;
  }

  bool should_stop() const {
    return interrupted() || (log_ && options_.max_seconds > 0 &&
                             log_->process_seconds() >= options_.max_seconds);
  }

  // Whether one of the processes should: none may be left waiting for another.
  bool all_should_stop() {
    at::Tensor wishes = at::full({}, should_stop() ? 1.0 : 0.0, device_);
    group_.sum(wishes);
    return wishes.item<double>() > 0;
  }

  bool validation_due() const {
    return step_ > 0 && (step_ % validate_every_ == 0 || step_ == steps_);
  }

  bool checkpoint_due() const {
    if (options_.checkpoint_every > 0) return step_ % options_.checkpoint_every == 0;
    return since_checkpoint_.seconds() >=
           std::max(kCheckpointSeconds, kLeastPerCheckpoint * checkpoint_seconds_);
  }

  // What is done every so many steps, and at the end.
  void finish_round() {
    validate();
    checkpoint();
    report();
  }

  void report() {
    if (!group_.leads()) return;
    std::vector<SamplePrediction> samples;
    if (sources_.validation) {
      const GeneratorGuard training_goes_on_as_without_it(device_);
      Asgnet copy = inference_copy(network_, at::kFloat);
      EpisodeEvaluationOptions evaluation = evaluation_options();
      evaluation.threshold = info_.threshold;
      copy->eval();
      samples = sample_predictions(copy, sources_.validation, evaluation, kSamples);
    }
    write_text_file(path(kReportFile),
                    run_report(nlohmann::json::parse(read_text_file(path(kRecordFile))),
                               read_metrics(path(kMetricsFile)), samples));
    reported_step_ = step_;
  }

  EpisodeEvaluationOptions evaluation_options() const {
    return {.episodes = options_.validation_episodes,
            .shots = options_.shots,
            .input_size = options_.augmentation.size,
            .seed = options_.seed,
            .enhancement = options_.target_enhancement};
  }

  // Keeps the network as best.safetensors if it is. With --calibrate at its best threshold.
  void validate() {
    if (!sources_.validation || !group_.leads()) {
      validated_step_ = step_;
      return;
    }
    const GeneratorGuard training_goes_on_as_without_it(device_);
    const EpisodeEvaluationOptions evaluation = evaluation_options();
    const auto progress = [show = stoppable_progress("validation episodes"),
                           total = evaluation.episodes](int done) { return show(done, total); };
    Asgnet copy = inference_copy(network_, at::kFloat);
    Calibration result;
    if (options_.calibrate) {
      result = calibrate_threshold(copy, sources_.validation, evaluation, progress);
    } else {
      const EpisodeEvaluation scores =
          evaluate_episodes(copy, sources_.validation, evaluation, progress);
      result = {.threshold = evaluation.threshold, .miou = scores.miou, .fb_iou = scores.fb_iou};
    }
    if (interrupted()) return;  // a score of fewer episodes would not compare
    validated_step_ = step_;
    log_->validation(step_, result.miou, result.fb_iou, result.threshold);
    info_.threshold = result.threshold;
    if (result.miou <= best_miou_) return;
    best_miou_ = result.miou;
    info_.metadata["validation_miou"] = fixed(result.miou, 4);
    save("best");
    info_.metadata.erase("validation_miou");
  }

  // Everything that a process needs to go on here.
  void checkpoint() {
    if (!group_.leads()) return;
    const Stopwatch watch;
    log_->sync();  // the state must not be ahead of its metrics
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

  // Where a run that fails can go on.
  std::string last_checkpoint() const {
    return "\nThe last checkpoint is of step " + std::to_string(checkpointed_step_) + ".";
  }

  RunState state() {
    return {.step = step_,
            .steps = steps_,
            .batches = batches_->taken(),
            .validated_step = validated_step_,
            .best_miou = best_miou_,
            .seconds = log_->seconds(),
            .configuration = configuration_,
            .environment = run_environment(device_).dump(),
            .data = fingerprint_,
            .model = {.network = network_->options(), .info = info_},
            .network = module_tensors(*network_),
            .optimiser = optimiser_->state(),
            .generators = generator_states(device_)};
  }

  void save(const std::string& name) {
    save_checkpoint(options_.output, name, network_, info_, step_, steps_);
  }

  void export_model() {
    if (options_.export_file.empty() || !group_.leads()) return;
    const std::string name = best_miou_ >= 0 ? "best" : "last";
    LoadedModel chosen = load_model(path(name + ".safetensors"));
    save_model(options_.export_file, chosen.network, chosen.info, Storage::kFloat16);
    log_->say("exported " + name + " to " + options_.export_file.string());
  }

  const TrainOptions& options_;
  const std::string command_line_, configuration_;
  at::Device device_;
  ProcessGroup group_;
  std::optional<RunFolder> folder_;  // as log_, of the process that leads
  TrainingSources sources_;
  const std::string fingerprint_;  // of them
  ModelInfo info_;
  Asgnet network_{nullptr};
  std::optional<TrainingBatches> batches_;
  std::optional<Optimiser> optimiser_;
  std::optional<TrainLog> log_;
  int steps_ = 0, step_ = 0, validate_every_ = 0;
  int validated_step_ = 0, checkpointed_step_ = 0, reported_step_ = 0;
  double best_miou_ = -1;
  double checkpoint_seconds_ = 0;  // that the last one took
  Stopwatch since_checkpoint_;
};

}  // namespace

void train(const TrainOptions& options, const std::string& command_line,
           const std::string& configuration) {
  Run(options, command_line, configuration).train();
}

}  // namespace cdfss
