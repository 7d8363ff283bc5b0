// Episodes from backbone features that were computed once: for training with a frozen backbone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "data/augmentation.h"
#include "data/dataset.h"
#include "data/episode_sampler.h"
#include "episode_batch.h"
#include "feature_store.h"
#include "model/asgnet.h"

namespace cdfss {

struct FeatureCacheOptions {
  int views = 1;  // augmented views an image, 1 or more
  AugmentationOptions augmentation;
  EpisodeSamplerOptions sampler;
  at::ScalarType precision = at::kFloat;  // that the network computes in
  std::uint64_t seed = 321;
};

// Every image of the dataset that shows a class is encoded in `views` augmentations; the label of a
// view keeps all classes, so that any of them can be an episode's. A class counts in a view when
// kMinimumArea pixels of a 473 x 473 input show it (proportionally fewer of a smaller one).
class FeatureCache {
 public:
  // Called after each encoded chunk with the views done and the total; false stops, and there are
  // no episodes then.
  using Progress = std::function<bool(int done, int total)>;

  // Encodes with the network's backbone, BatchNorm in eval mode and without memory. The file lies
  // in `folder` (see FeatureStore). Throws as Dataset, augment and FeatureStore do, and
  // Error(kInvalidValue) when no class shows in more than `shots` images.
  FeatureCache(Asgnet& network, std::shared_ptr<const Dataset> dataset,
               const FeatureCacheOptions& options, const std::filesystem::path& folder,
               const Progress& progress = {});

  // The next `episodes` episodes (query drawn as EpisodeSampler does; query and each support a
  // random view); `encoded`, CPU, float16, channels last. Their records for the following call are
  // read ahead.
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
  struct Chunk;

  Chunk prepare(std::int64_t first, std::int64_t last) const;
  void encode(Asgnet& encoder, const Chunk& chunk);
  void index_classes();
  Plan plan();
  View random_view(int image, int class_id);
  at::Tensor one_class_label(const View& view) const;

  const std::shared_ptr<const Dataset> dataset_;
  const FeatureCacheOptions options_;
  std::vector<int> images_;  // dataset indices of the images with a class
  std::unique_ptr<FeatureStore> store_;
  // By record: the class ids that are label values 1, 2, ...; -1 where too little of one shows.
  std::vector<std::vector<int>> record_classes_;

  std::mt19937_64 generator_;
  std::vector<std::vector<int>> images_of_class_;  // positions in images_
  std::vector<int> classes_;                       // with more than `shots` images
  std::vector<int> queries_;                       // positions in images_
  std::size_t position_ = 0;
  std::vector<Plan> next_;
};

}  // namespace cdfss
