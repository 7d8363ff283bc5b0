#include "train_loop.h"

#include <ATen/ATen.h>

#include <optional>

#include "cdfss/error.h"
#include "checkpoint.h"
#include "device.h"
#include "generator_state.h"
#include "io/module_tensors.h"
#include "non_finite.h"
#include "program.h"
#include "reduction_init.h"
#include "report.h"
#include "run_configuration.h"
#include "run_folder.h"
#include "run_leader.h"
#include "run_state.h"
#include "same_run.h"
#include "stoppable_progress.h"
#include "stopwatch.h"
#include "text_file.h"
#include "training_batches.h"
#include "training_sources.h"

namespace cdfss {
namespace {

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
        group_(ProcessGroup::from_environment(device_)),
        sources_(open_training_sources(options)),
        fingerprint_(sources_.fingerprint()) {
    if (!group_.leads()) return;
    folder_.emplace(options.output, options.resume);
    if (!options.export_file.empty()) check_writable(options.export_file);
  }

  void train() {
    const std::optional<RunState> stored = stored_state();
    require_same_run(group_, configuration_, fingerprint_, stored ? stored->step : 0);
    make_network(stored);
    const BatchRange range{
        .taken = stored ? stored->batches : 0, .index = group_.rank(), .count = group_.size()};
    batches_.emplace(options_, sources_.training, network_, options_.output, range,
                     stoppable_progress("views"));
    if (interrupted()) return;  // nothing was done that a checkpoint could keep
    count_steps(stored);
    if (!stored && options_.pca_init > 0) {
      initialise_reduction(
          network_, [this] { return batches_->next(); }, options_.pca_init,
          options_.step.encoder.precision);
    }
    for (auto& [name, tensor] : module_tensors(*network_)) group_.broadcast(tensor);
    optimiser_.emplace(network_, options_.optimiser);
    TrainingStep training_step(network_, options_.step, group_);
    if (stored) resume(*stored);
    if (group_.leads()) lead(stored);
    while (step_ < steps_ && !all_should_stop()) run_step(training_step);
    if (leader_) leader_->finish();
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
                    file.string() +
                        " is of a run on other data: images or classes of --data, "
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
    const int steps_per_epoch = std::max(1, batches_->queries() / (options_.batch * group_.size()));
    steps_ = options_.steps > 0 ? options_.steps : options_.epochs * steps_per_epoch;
    validate_every_ = options_.validate_every > 0 ? options_.validate_every : steps_per_epoch;
    if (stored && stored->steps != steps_) {
      throw Error(ErrorCode::kInvalidValue,
                  path(kStateFile).string() + " is of a run of " + std::to_string(stored->steps) +
                      " steps, but --steps or --epochs ask for " + std::to_string(steps_) +
                      ", which would change the learning rates");
    }
  }

  std::filesystem::path path(std::string_view name) const { return options_.output / name; }

  void resume(const RunState& stored) {
    const std::string file = path(kStateFile).string();
    optimiser_->set_state(stored.optimiser, file);
    set_generator_states(stored.generators, device_, file);
    step_ = stored.step;
  }

  void lead(const std::optional<RunState>& stored) {
    const RunParts parts{.options = options_,
                         .sources = sources_,
                         .batches = *batches_,
                         .optimiser = *optimiser_,
                         .network = network_,
                         .device = device_,
                         .steps = steps_,
                         .validate_every = validate_every_,
                         .processes = group_.size(),
                         .command_line = command_line_,
                         .configuration = configuration_,
                         .fingerprint = fingerprint_};
    stored ? leader_.emplace(parts, *stored) : leader_.emplace(parts, info_);
    leader_->catch_up();
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
                                non_finite_cause(network_, batch) +
                                (leader_ ? leader_->last_checkpoint() : ""));
    }
    ++step_;
    if (!leader_) return;
    leader_->after_step(step_, losses,
                        {.seconds = watch.seconds(), .waited = batches_->seconds_waited()});
  }

  bool should_stop() const {
    return interrupted() || (leader_ && options_.max_seconds > 0 &&
                             leader_->process_seconds() >= options_.max_seconds);
  }

  // Whether one of the processes should: none may be left waiting for another.
  bool all_should_stop() {
    at::Tensor wishes = at::full({}, should_stop() ? 1.0 : 0.0, device_);
    group_.sum(wishes);
    return wishes.item<double>() > 0;
  }

  const TrainOptions& options_;
  const std::string command_line_, configuration_;
  at::Device device_;
  ProcessGroup group_;
  std::optional<RunFolder> folder_;  // as leader_, of the process that leads
  TrainingSources sources_;
  const std::string fingerprint_;  // of them
  ModelInfo info_;
  Asgnet network_{nullptr};
  std::optional<TrainingBatches> batches_;
  std::optional<Optimiser> optimiser_;
  std::optional<RunLeader> leader_;
  int steps_ = 0, step_ = 0, validate_every_ = 0;
};

}  // namespace

void train(const TrainOptions& options, const std::string& command_line,
           const std::string& configuration) {
  Run(options, command_line, configuration).train();
}

}  // namespace cdfss
