#include "episode_batch.h"

#include <ATen/ATen.h>

namespace cdfss {
namespace {

void append(std::vector<at::Tensor>& to, const std::vector<at::Tensor>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

EpisodeBatch stack_episodes(const std::vector<TrainingEpisode>& episodes) {
  EpisodeBatch batch;
  batch.shots = static_cast<int>(episodes.front().support_images.size());
  std::vector<at::Tensor> query, query_label, support, support_label, transformed,
      transformed_label;
  for (const TrainingEpisode& episode : episodes) {
    batch.class_ids.push_back(episode.class_id);
    batch.descriptions.push_back(episode.description);
    query.push_back(episode.query_image);
    query_label.push_back(episode.query_label);
    append(support, episode.support_images);
    append(support_label, episode.support_labels);
    append(transformed, episode.transformed_images);
    append(transformed_label, episode.transformed_labels);
    append(batch.seeds, episode.seeds);
  }
  batch.query = at::stack(query);
  batch.query_label = at::stack(query_label);
  batch.support = at::stack(support);
  batch.support_label = at::stack(support_label);
  if (!transformed.empty()) {
    batch.transformed = at::stack(transformed);
    batch.transformed_label = at::stack(transformed_label);
  }
  return batch;
}

}  // namespace cdfss
