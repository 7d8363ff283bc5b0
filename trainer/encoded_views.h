// Augmented views of a dataset's images as far as a frozen backbone encodes them once and for all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "data/augmentation.h"
#include "data/dataset.h"
#include "episode_batch.h"
#include "feature_store.h"
#include "model/asgnet.h"

namespace cdfss {

struct EncodedViewsOptions {
  int views = 1;  // of an image, 1 or more
  AugmentationOptions augmentation;
  // In which states views are wanted: kPartly or kWholly; `transformed` kNot = none.
  EncodedParts parts{.query = Encoded::kWholly, .support = Encoded::kWholly};
  at::ScalarType precision = at::kFloat;  // that the network computes in
  std::uint64_t seed = 321;
};

// A record is a view of an image that shows a class, ordered by view, then image, with its
// transformed view X_t (SPEC B15) where those are wanted. Labels keep all classes of the image, so
// that any of them can be an episode's. A class counts in a record when kMinimumArea pixels of a
// 473 x 473 input show it (proportionally fewer of a smaller one), in X_t, too.
class EncodedViews {
 public:
  // Called after each encoded chunk with the views done and the total; false stops.
  using Progress = std::function<bool(int done, int total)>;

  // Encodes with the network's backbone, BatchNorm in eval mode and without memory. The file lies
  // in `folder` (see FeatureStore). Throws as Dataset, augment and FeatureStore do.
  EncodedViews(Asgnet& network, std::shared_ptr<const Dataset> dataset,
               const EncodedViewsOptions& options, const std::filesystem::path& folder,
               const Progress& progress = {});

  bool complete() const { return complete_; }  // or stopped
  // Dataset indices of the images that show a class.
  const std::vector<int>& images() const { return images_; }
  // The class ids that are label values 1, 2, ... of a record; -1 where too little of one shows.
  const std::vector<int>& classes(std::int64_t record) const { return classes_[record]; }

  // What an episode takes of a view.
  enum class Role { kQuery, kSupport, kTransformed };
  // float16 [h, w, C], in the state that `parts` names for the role. Lives as long as this.
  at::Tensor features(std::int64_t record, Role role) const;
  at::Tensor label(std::int64_t record, Role role) const;  // uint8 [S, S]
  // Starts reading both from disk.
  void prefetch(std::int64_t record, Role role) const;

 private:
  // The fields of a record.
  enum Field : std::size_t { kLabel, kPart, kWhole, kTransformedLabel, kTransformed };
  struct Chunk;

  std::vector<FeatureStore::Field> fields(Asgnet& network) const;
  Field features_field(Role role) const;
  static Field label_field(Role role);
  Chunk prepare(std::int64_t first, std::int64_t last) const;
  void encode(Asgnet& encoder, const Chunk& chunk);

  const std::shared_ptr<const Dataset> dataset_;
  const EncodedViewsOptions options_;
  std::vector<int> images_;
  std::vector<std::vector<int>> classes_;
  std::unique_ptr<FeatureStore> store_;
  bool complete_ = false;
};

}  // namespace cdfss
