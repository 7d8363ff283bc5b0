// Episodes of views that a frozen backbone encoded before the training.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <vector>

#include "data/dataset.h"
#include "data/episode_sampler.h"
#include "encoded_views.h"
#include "episode_batch.h"
#include "model/asgnet.h"

namespace cdfss {

struct FeatureCacheOptions {
  EncodedViewsOptions views;  // its seed is that of the episodes, too
  EpisodeSamplerOptions sampler;
};

// An image can be in an episode of each class that counts in one of its views.
class FeatureCache {
 public:
  // Encodes the views of every image; there are no episodes when `progress` stops that. Throws as
  // EncodedViews, and Error(kInvalidValue) when no class shows in more than `shots` images.
  FeatureCache(Asgnet& network, std::shared_ptr<const Dataset> dataset,
               const FeatureCacheOptions& options, const std::filesystem::path& folder,
               const EncodedViews::Progress& progress = {});

  // The next `episodes` episodes (query drawn as EpisodeSampler does; query and each support a
  // random view, X_t that of the support's record): features on the CPU, float16, channels last.
  // Those of the following call are read ahead.
  EpisodeBatch draw(int episodes);
  // Leaves out the next `episodes` episodes. Before the first draw().
  void skip(std::int64_t episodes);

  // Images that can be a query.
  int queries() const { return static_cast<int>(queries_.size()); }

 private:
  // One view of an image in an episode: label value `value` is the class.
  struct View {
    std::int64_t record;
    int image;
    std::uint8_t value;
  };
  struct Plan {
    int class_id;
    View query;
    std::vector<View> supports;
  };
  void index_classes();
  Plan plan();
  View random_view(int image, int class_id);
  at::Tensor one_class_label(const View& view, EncodedViews::Role role) const;

  const std::shared_ptr<const Dataset> dataset_;
  const FeatureCacheOptions options_;
  EncodedViews views_;

  std::mt19937_64 generator_;
  std::vector<std::vector<int>> images_of_class_;  // positions in views_.images()
  std::vector<int> classes_;                       // with more than `shots` images
  std::vector<int> queries_;                       // as those
  std::size_t position_ = 0;
  std::vector<Plan> next_;
};

}  // namespace cdfss
