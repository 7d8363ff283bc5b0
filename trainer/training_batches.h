// Where a training run's batches come from, and how many it has taken.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "batch_queue.h"
#include "episode_loader.h"
#include "feature_cache.h"
#include "model/asgnet.h"
#include "train_options.h"

namespace cdfss {

// Which batches a process gets: of every `count`, the `index`-th, and of those not the first
// `taken`.
struct BatchRange {
  std::int64_t taken = 0;
  int index = 0;
  int count = 1;
};

class TrainingBatches {
 public:
  // Reads images, or with --feature-cache encodes them all first, into `folder`. `progress` is told
  // how many views are encoded and stops that with false; there are no batches then. Throws as
  // EpisodeLoader and FeatureCache.
  TrainingBatches(const TrainOptions& options, const std::shared_ptr<const Dataset>& dataset,
                  Asgnet& network, const std::filesystem::path& folder, const BatchRange& range,
                  const EncodedViews::Progress& progress);

  // The next batch; seconds_waited() then says how long it took to be ready.
  EpisodeBatch next();
  double seconds_waited() const { return seconds_waited_; }
  // By next(), those left out included.
  std::int64_t taken() const { return taken_; }

  // Images that can be a query; 0 when there are no batches.
  int queries() const { return queries_; }

 private:
  std::unique_ptr<EpisodeLoader> loader_;
  std::unique_ptr<FeatureCache> cache_;
  int queries_ = 0;
  std::int64_t taken_;
  double seconds_waited_ = 0;
  std::optional<BatchQueue> queue_;  // last: its thread uses the others
};

}  // namespace cdfss
