#include "data/episode_sampler.h"

#include <algorithm>

#include "cdfss/error.h"
#include "data/random.h"

namespace cdfss {
namespace {

std::string size_text(const cv::Mat& image) {
  return std::to_string(image.cols) + "x" + std::to_string(image.rows);
}

Sample load_sample(const Dataset& dataset, int index, int class_id) {
  Sample sample{.image = dataset.image(index), .label = dataset.label(index, class_id)};
  if (sample.image.size() != sample.label.size()) {
    throw Error(ErrorCode::kInvalidValue, dataset.name(index) + " is " + size_text(sample.image) +
                                              " pixels but its mask is " + size_text(sample.label) +
                                              ", expected equal sizes");
  }
  return sample;
}

}  // namespace

EpisodeSampler::EpisodeSampler(std::shared_ptr<const Dataset> dataset,
                               EpisodeSamplerOptions options, std::uint64_t seed)
    : dataset_(std::move(dataset)),
      options_(options),
      generator_(seed),
      images_of_class_(dataset_->classes().size()) {
  if (options_.shots < 1) {
    throw Error(ErrorCode::kInvalidValue,
                "an episode of " + std::to_string(options_.shots) + " shots, expected 1 or more");
  }
  for (int index = 0; index < dataset_->size(); ++index) {
    for (const int class_id : dataset_->classes_in(index)) {
      images_of_class_[class_id].push_back(index);
    }
  }
  const auto has_enough = [this](int class_id) {
    return images_of_class_[class_id].size() > static_cast<std::size_t>(options_.shots);
  };
  std::size_t most = 0;
  for (int class_id = 0; class_id < static_cast<int>(images_of_class_.size()); ++class_id) {
    most = std::max(most, images_of_class_[class_id].size());
    if (has_enough(class_id)) {
      classes_.push_back(class_id);
    }
  }
  if (classes_.empty()) {
    throw Error(ErrorCode::kInvalidValue,
                "no class of the dataset has the " + std::to_string(options_.shots + 1) +
                    " images that an episode of " + std::to_string(options_.shots) +
                    " shots needs: the most frequent one has " + std::to_string(most));
  }
  for (int index = 0; index < dataset_->size(); ++index) {
    if (std::ranges::any_of(dataset_->classes_in(index), has_enough)) {
      queries_.push_back(index);
    }
  }
}

Episode EpisodeSampler::draw() {
  Episode episode;
  // Both orders are shuffled anew whenever they have been gone through, the first time included.
  std::vector<int>& order = options_.balance_classes ? classes_ : queries_;
  if (position_ == 0) {
    shuffle(order, generator_);
  }
  if (options_.balance_classes) {
    episode.class_id = order[position_];
    const std::vector<int>& images = images_of_class_[episode.class_id];
    episode.query_index = images[uniform_below(generator_, images.size())];
  } else {
    episode.query_index = order[position_];
    std::vector<int> candidates;
    for (const int class_id : dataset_->classes_in(episode.query_index)) {
      if (images_of_class_[class_id].size() > static_cast<std::size_t>(options_.shots)) {
        candidates.push_back(class_id);
      }
    }
    episode.class_id = candidates[uniform_below(generator_, candidates.size())];
  }
  position_ = (position_ + 1) % order.size();
  episode.class_name = dataset_->classes()[episode.class_id];

  const std::vector<int>& images = images_of_class_[episode.class_id];
  while (episode.support_indices.size() < static_cast<std::size_t>(options_.shots)) {
    const int support = images[uniform_below(generator_, images.size())];
    if (support != episode.query_index &&
        std::ranges::find(episode.support_indices, support) == episode.support_indices.end()) {
      episode.support_indices.push_back(support);
    }
  }
  return episode;
}

Episode EpisodeSampler::next() {
  Episode episode = draw();
  load(episode);
  return episode;
}

void EpisodeSampler::load(Episode& episode) const {
  episode.query = load_sample(*dataset_, episode.query_index, episode.class_id);
  episode.supports.clear();
  for (const int support : episode.support_indices) {
    episode.supports.push_back(load_sample(*dataset_, support, episode.class_id));
  }
}

}  // namespace cdfss
