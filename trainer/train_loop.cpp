#include "train_loop.h"

#include <ATen/ATen.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "calibration.h"
#include "cdfss/error.h"
#include "checkpoint.h"
#include "device.h"
#include "episode_evaluation.h"
#include "episode_loader.h"
#include "feature_cache.h"
#include "inference_copy.h"
#include "program.h"
#include "reduction_init.h"
#include "train_log.h"

namespace cdfss {
namespace {

std::shared_ptr<const Dataset> open_all(const std::vector<std::string>& specs, FoldPart part) {
  std::vector<std::shared_ptr<const Dataset>> parts;
  for (const std::string& spec : specs) parts.push_back(open_dataset(spec, part));
  return parts.size() == 1 ? parts.front() : merge_datasets(std::move(parts));
}

struct Sources {
  std::shared_ptr<const Dataset> training;
  std::shared_ptr<const Dataset> validation;  // null: none
};

Sources open_sources(const TrainOptions& options) {
  Sources sources{.training = open_all(options.data, FoldPart::kTrain), .validation = nullptr};
  if (!options.held_out.empty()) {
    const int modulus = options.held_out[0];
    const int remainder = options.held_out[1];
    sources.validation = select_classes(sources.training, modulus, remainder, false);
    sources.training = select_classes(sources.training, modulus, remainder, true);
  } else if (!options.validation.empty()) {
    sources.validation = open_all(options.validation, FoldPart::kTest);
  }
  return sources;
}

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
  Run(const TrainOptions& options, const std::string& command_line)
      : options_(options),
        info_(run_info(options, command_line)),
        sources_(open_sources(options)),
        network_(initial_network(options)) {
    network_->to(resolve_device(options.device));
    to_channels_last(network_);
  }

  void train() {
    std::filesystem::create_directories(options_.output);
    open_batches();
    if (options_.pca_init > 0 && !interrupted()) {
      initialise_reduction(network_, next_batch_, options_.pca_init, options_.step.encoder.bf16);
    }
    Optimiser optimiser(network_, options_.optimiser);
    TrainingStep training_step(network_, options_.step, group_);
    log_.emplace(options_.output / "metrics.jsonl", steps_, options_.batch);
    log_->say(std::to_string(steps_) + " steps of " + std::to_string(options_.batch) +
              " episodes, " + std::to_string(queries_) + " query images, " +
              std::to_string(at::get_num_threads()) + " threads");
    while (step_ < steps_ && !should_stop()) {
      const EpisodeBatch batch = next_batch_();
      optimiser.set_step(step_ + 1, steps_);
      StepLosses losses;
      try {
        losses = training_step.run(batch, optimiser);
      } catch (const Error& e) {
        throw Error(e.code(), "step " + std::to_string(step_ + 1) + ": " + e.what());
      }
      log_->step(++step_, losses, optimiser.learning_rate(), slot_cosines());
      if (step_ % validate_every_ == 0 || step_ == steps_) {
        validate();
        save("last");
      }
    }
    save("last");
    if (step_ < steps_) {
      log_->say("stopped after step " + std::to_string(step_) + " of " + std::to_string(steps_) +
                "; the network is in " + (options_.output / "last.safetensors").string());
    }
    export_model();
  }

 private:
  // Decides where batches come from, and how many steps there are.
  void open_batches() {
    const EpisodeSamplerOptions sampler{.shots = options_.shots,
                                        .balance_classes = options_.balance_classes};
    if (options_.feature_cache > 0) {
      cache_ = std::make_unique<FeatureCache>(
          network_, sources_.training,
          FeatureCacheOptions{.views = options_.feature_cache,
                              .augmentation = options_.augmentation,
                              .sampler = sampler,
                              .bf16 = options_.step.encoder.bf16,
                              .seed = options_.seed},
          options_.output, stoppable_progress("views"));
      queries_ = cache_->queries();
      next_batch_ = [this] { return cache_->draw(options_.batch); };
    } else {
      loader_ = std::make_unique<EpisodeLoader>(
          sources_.training,
          EpisodeLoaderOptions{.sampler = sampler,
                               .augmentation = options_.augmentation,
                               .transformed_view = options_.step.contrastive_weight > 0,
                               .threads = options_.loader_threads,
                               .queue = 2 * options_.batch,
                               .seed = options_.seed});
      queries_ = loader_->queries();
      next_batch_ = [this] {
        std::vector<TrainingEpisode> episodes;
        for (int i = 0; i < options_.batch; ++i) episodes.push_back(loader_->next());
        return stack_episodes(episodes);
      };
    }
    const int steps_per_epoch = std::max(1, queries_ / options_.batch);
    steps_ = options_.steps > 0 ? options_.steps : options_.epochs * steps_per_epoch;
    validate_every_ = options_.validate_every > 0 ? options_.validate_every : steps_per_epoch;
  }

  std::map<int, double> slot_cosines() {
    std::map<int, double> cosines;
    for (std::size_t i = 0; i < network_->memories().size(); ++i) {
      cosines[network_->options().memory_layers[i]] = network_->memories()[i]->slot_cosine();
    }
    return cosines;
  }

  bool should_stop() const {
    return interrupted() || (options_.max_seconds > 0 && log_->seconds() >= options_.max_seconds);
  }

  EpisodeEvaluationOptions evaluation_options() const {
    return {.episodes = options_.validation_episodes,
            .shots = options_.shots,
            .input_size = options_.augmentation.size,
            .seed = options_.seed,
            .enhancement = options_.target_enhancement};
  }

  // Shows how far a job is that Ctrl-C stops.
  static std::function<bool(int, int)> stoppable_progress(const std::string& unit) {
    // Shared, because std::function copies; made when the total is known.
    const auto report = std::make_shared<std::optional<ProgressReport>>();
    return [report, unit](int done, int total) {
      if (!report->has_value()) report->emplace(total, unit);
      (*report)->update(done);
      return !interrupted();
    };
  }

  // Keeps the network as best.safetensors if it is. With --calibrate at its best threshold.
  void validate() {
    if (!sources_.validation) return;
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
    log_->validation(step_, result.miou, result.fb_iou, result.threshold);
    info_.threshold = result.threshold;
    if (result.miou <= best_miou_) return;
    best_miou_ = result.miou;
    info_.metadata["validation_miou"] = fixed(result.miou, 4);
    save("best");
    info_.metadata.erase("validation_miou");
  }

  void save(const std::string& name) {
    save_checkpoint(options_.output, name, network_, info_, step_, steps_);
  }

  void export_model() {
    if (options_.export_file.empty()) return;
    const std::string name = best_miou_ >= 0 ? "best" : "last";
    LoadedModel chosen = load_model(options_.output / (name + ".safetensors"));
    save_model(options_.export_file, chosen.network, chosen.info, Storage::kFloat16);
    log_->say("exported " + name + " to " + options_.export_file.string());
  }

  const TrainOptions& options_;
  ModelInfo info_;
  Sources sources_;
  ProcessGroup group_;
  Asgnet network_;
  std::unique_ptr<EpisodeLoader> loader_;
  std::unique_ptr<FeatureCache> cache_;
  std::function<EpisodeBatch()> next_batch_;
  int queries_ = 0;
  int steps_ = 0, step_ = 0, validate_every_ = 0;
  double best_miou_ = -1;
  std::optional<TrainLog> log_;
};

}  // namespace

void train(const TrainOptions& options, const std::string& command_line) {
  Run(options, command_line).train();
}

}  // namespace cdfss
