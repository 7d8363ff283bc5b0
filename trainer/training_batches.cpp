#include "training_batches.h"

#include <chrono>
#include <utility>
#include <vector>

namespace cdfss {

TrainingBatches::TrainingBatches(const TrainOptions& options,
                                 const std::shared_ptr<const Dataset>& dataset, Asgnet& network,
                                 const std::filesystem::path& folder, const BatchRange& range,
                                 const FeatureCache::Progress& progress)
    : taken_(range.taken) {
  const EpisodeSamplerOptions sampler{.shots = options.shots,
                                      .balance_classes = options.balance_classes};
  const int size = options.batch;
  if (options.feature_cache > 0) {
    const FeatureCacheOptions cache{.views = options.feature_cache,
                                    .augmentation = options.augmentation,
                                    .sampler = sampler,
                                    .precision = options.step.encoder.precision,
                                    .seed = options.seed};
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
    queue_.emplace([this, size] {
      std::vector<TrainingEpisode> episodes;
      for (int i = 0; i < size; ++i) episodes.push_back(loader_->next());
      return stack_episodes(episodes);
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
