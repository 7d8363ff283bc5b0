#include "episode_loader.h"

#include <random>
#include <utility>

#include "model/seed_placement.h"
#include "sample_tensor.h"

namespace cdfss {
namespace {

std::mt19937_64 generator_for(std::uint64_t seed, std::uint64_t number) {
  std::seed_seq sequence{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                         static_cast<std::uint32_t>(number),
                         static_cast<std::uint32_t>(number >> 32)};
  return std::mt19937_64(sequence);
}

}  // namespace

EpisodeLoader::EpisodeLoader(std::shared_ptr<const Dataset> dataset,
                             const EpisodeLoaderOptions& options)
    : dataset_(std::move(dataset)),
      options_(options),
      sampler_(dataset_, options.sampler, options.seed),
      drawn_(options.skip),
      taken_(options.skip) {
  for (std::uint64_t i = 0; i < options.skip; ++i) sampler_.draw();
  for (int i = 0; i < options.threads; ++i) threads_.emplace_back([this] { work(); });
}

EpisodeLoader::~EpisodeLoader() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  room_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

TrainingEpisode EpisodeLoader::next() {
  std::unique_lock lock(mutex_);
  while (!options_.shard.holds(taken_)) ++taken_;
  ready_.wait(lock, [this] { return results_.contains(taken_); });
  Result result = std::move(results_.extract(taken_).mapped());
  ++taken_;
  lock.unlock();
  room_.notify_one();
  if (result.error) std::rethrow_exception(result.error);
  return std::move(result.episode);
}

void EpisodeLoader::work() {
  while (true) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] {
      // taken_ may be ahead of drawn_, past another process's episodes.
      return stop_ || drawn_ < taken_ + static_cast<std::uint64_t>(options_.queue) *
                                            static_cast<std::uint64_t>(options_.shard.count);
    });
    if (stop_) return;
    const std::uint64_t number = drawn_++;
    Episode drawn = sampler_.draw();
    if (!options_.shard.holds(number)) continue;
    lock.unlock();

    Result result;
    try {
      result.episode = prepare(std::move(drawn), number);
    } catch (...) {
      result.error = std::current_exception();
    }
    lock.lock();
    results_.emplace(number, std::move(result));
    lock.unlock();
    ready_.notify_one();
  }
}

TrainingEpisode EpisodeLoader::prepare(Episode episode, std::uint64_t number) const {
  sampler_.load(episode);
  std::mt19937_64 generator = generator_for(options_.seed, number);

  TrainingEpisode prepared;
  prepared.class_id = episode.class_id;
  prepared.description =
      "class " + episode.class_name + ", query " + dataset_->name(episode.query_index);
  const Sample query = augment(episode.query, options_.augmentation, generator);
  prepared.query_image = to_tensor(query.image);
  prepared.query_label = to_tensor(query.label);
  for (std::size_t shot = 0; shot < episode.supports.size(); ++shot) {
    prepared.description += ", support " + dataset_->name(episode.support_indices[shot]);
    const Sample support = augment(episode.supports[shot], options_.augmentation, generator);
    prepared.support_images.push_back(to_tensor(support.image));
    prepared.support_labels.push_back(to_tensor(support.label));
    prepared.seeds.push_back(place_seeds(prepared.support_labels.back()));
    if (!options_.transformed_view) continue;
    AugmentationOptions with_jitter = options_.augmentation;
    with_jitter.colour_jitter = true;
    const Sample transformed = augment(episode.supports[shot], with_jitter, generator);
    prepared.transformed_images.push_back(to_tensor(transformed.image));
    prepared.transformed_labels.push_back(to_tensor(transformed.label));
  }
  return prepared;
}

}  // namespace cdfss
