// Reads and augments training episodes ahead of the training step, on threads of its own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "data/augmentation.h"
#include "data/dataset.h"
#include "data/episode_sampler.h"
#include "episode_batch.h"

namespace cdfss {

// The episodes of one of `count` processes: of every `count` blocks of `block` episodes, the
// `index`-th.
struct EpisodeShard {
  int index = 0;
  int count = 1;
  int block = 1;

  bool holds(std::uint64_t number) const {
    return number / static_cast<std::uint64_t>(block) % static_cast<std::uint64_t>(count) ==
           static_cast<std::uint64_t>(index);
  }
};

struct EpisodeLoaderOptions {
  EpisodeSamplerOptions sampler;
  AugmentationOptions augmentation;  // `colour_jitter` is for the transformed view only
  bool transformed_view = false;     // also draw X_t of each shot (SPEC B15)
  int threads = 2;                   // 1 or more
  int queue = 24;                    // episodes held ready at most, 1 or more
  std::uint64_t seed = 321;
  std::uint64_t skip = 0;  // episodes at the begin that are drawn but not loaded
  EpisodeShard shard{};    // the others are drawn but not loaded, too
};

// Deterministic whatever the number of threads: episodes come in the order they were drawn, and
// each is augmented by a generator of its own, seeded by (seed, number).
class EpisodeLoader {
 public:
  // Throws as EpisodeSampler.
  EpisodeLoader(std::shared_ptr<const Dataset> dataset, const EpisodeLoaderOptions& options);
  ~EpisodeLoader();
  EpisodeLoader(const EpisodeLoader&) = delete;
  EpisodeLoader& operator=(const EpisodeLoader&) = delete;

  // Waits for the next episode. An error while it was read is thrown here.
  TrainingEpisode next();

  // Images that can be a query: the episodes of an epoch.
  int queries() const { return sampler_.queries(); }

 private:
  struct Result {
    TrainingEpisode episode;
    std::exception_ptr error;
  };

  void work();
  TrainingEpisode prepare(Episode episode, std::uint64_t number) const;

  const std::shared_ptr<const Dataset> dataset_;
  const EpisodeLoaderOptions options_;

  std::mutex mutex_;  // guards everything below
  std::condition_variable room_, ready_;
  EpisodeSampler sampler_;
  std::map<std::uint64_t, Result> results_;
  std::uint64_t drawn_ = 0, taken_ = 0;
  bool stop_ = false;

  std::vector<std::thread> threads_;  // last: started when all else exists
};

}  // namespace cdfss
