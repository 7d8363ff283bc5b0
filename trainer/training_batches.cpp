#include "training_batches.h"

#include <chrono>
#include <utility>
#include <vector>

#include "amplitude_mix.h"

namespace cdfss {
namespace {

// How far a frozen backbone's features of each part of an episode stay what they are while the
// memories, which restyle them, change.
EncodedParts unchanging_parts(const Asgnet& network, const TrainingStepOptions& options) {
  const bool has_memory = !network->options().memory_layers.empty();
  const auto state = [&](bool meets_memory) {
    return has_memory && meets_memory ? Encoded::kPartly : Encoded::kWholly;
  };
  // The memories learn from the support whether it is restyled or not.
  return {.query = state(options.enhance_query),
          .support = state(true),
          .transformed =
              options.contrastive_weight > 0 ? state(options.enhance_support) : Encoded::kNot};
}

}  // namespace

TrainingBatches::TrainingBatches(const TrainOptions& options,
                                 const std::shared_ptr<const Dataset>& dataset, Asgnet& network,
                                 const std::filesystem::path& folder, const BatchRange& range,
                                 const EncodedViews::Progress& progress)
    : taken_(range.taken) {
  const EpisodeSamplerOptions sampler{.shots = options.shots,
                                      .balance_classes = options.balance_classes};
  const int size = options.batch;
  if (options.feature_cache > 0) {
    const FeatureCacheOptions cache{.views = {.views = options.feature_cache,
                                              .augmentation = options.augmentation,
                                              .parts = unchanging_parts(network, options.step),
                                              .precision = options.step.encoder.precision,
                                              .seed = options.seed},
                                    .sampler = sampler};
    cache_ = std::make_unique<FeatureCache>(network, dataset, cache, folder, progress);
    queries_ = cache_->queries();
    if (queries_ == 0) return;
    cache_->skip(range.taken * size);
    queue_.emplace([this, size] { return cache_->draw(size); });
  } else {
    loader_ = std::make_unique<EpisodeLoader>(
        dataset,
        EpisodeLoaderOptions{.sampler = sampler,
                             .augmentation = options.augmentation,
                             .transformed_view = options.step.contrastive_weight > 0,
                             .threads = options.loader_threads,
                             .queue = 2 * size,
                             .seed = options.seed,
                             .skip = static_cast<std::uint64_t>(range.taken) * range.count * size,
                             .shard = {.index = range.index, .count = range.count, .block = size}});
    queries_ = loader_->queries();
    queue_.emplace([this, size, beta = options.amplitude_mix] {
      std::vector<TrainingEpisode> episodes;
      for (int i = 0; i < size; ++i) episodes.push_back(loader_->next());
      EpisodeBatch batch = stack_episodes(episodes);
      // The same shot of the next episode; episodes come in random order.
      if (beta > 0) batch.transformed = mix_amplitudes(batch.transformed, batch.shots, beta);
      return batch;
    });
  }
}

EpisodeBatch TrainingBatches::next() {
  const auto start = std::chrono::steady_clock::now();
  EpisodeBatch batch = queue_->next();
  seconds_waited_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  ++taken_;
  return batch;
}

}  // namespace cdfss
