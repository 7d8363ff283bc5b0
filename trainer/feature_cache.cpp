#include "feature_cache.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "cdfss/error.h"
#include "data/random.h"
#include "model/seed_placement.h"

namespace cdfss {

using Role = EncodedViews::Role;

FeatureCache::FeatureCache(Asgnet& network, std::shared_ptr<const Dataset> dataset,
                           const FeatureCacheOptions& options, const std::filesystem::path& folder,
                           const EncodedViews::Progress& progress)
    : dataset_(std::move(dataset)),
      options_(options),
      views_(network, dataset_, options.views, folder, progress),
      generator_(options.views.seed) {
  if (views_.complete()) index_classes();
}

void FeatureCache::index_classes() {
  const int images = static_cast<int>(views_.images().size());
  images_of_class_.resize(dataset_->classes().size());
  for (std::int64_t record = 0; record < std::int64_t{options_.views.views} * images; ++record) {
    const int image = static_cast<int>(record % images);
    for (const int class_id : views_.classes(record)) {
      if (class_id < 0) continue;
      std::vector<int>& list = images_of_class_[class_id];
      if (std::ranges::find(list, image) == list.end()) list.push_back(image);
    }
  }
  std::vector<bool> usable(images, false);
  for (std::size_t id = 0; id < images_of_class_.size(); ++id) {
    if (images_of_class_[id].size() <= static_cast<std::size_t>(options_.sampler.shots)) continue;
    classes_.push_back(static_cast<int>(id));
    for (const int image : images_of_class_[id]) usable[image] = true;
  }
  for (int image = 0; image < images; ++image) {
    if (usable[image]) queries_.push_back(image);
  }
  if (classes_.empty()) {
    throw Error(ErrorCode::kInvalidValue, "no class shows in more than " +
                                              std::to_string(options_.sampler.shots) +
                                              " images of the feature cache, as an episode needs");
  }
}

FeatureCache::View FeatureCache::random_view(int image, int class_id) {
  std::vector<View> views;
  for (int v = 0; v < options_.views.views; ++v) {
    const auto record = static_cast<std::int64_t>(v * views_.images().size() + image);
    const std::vector<int>& classes = views_.classes(record);
    const auto found = std::ranges::find(classes, class_id);
    if (found == classes.end()) continue;
    views.push_back({record, image, static_cast<std::uint8_t>(found - classes.begin() + 1)});
  }
  return views[uniform_below(generator_, views.size())];
}

FeatureCache::Plan FeatureCache::plan() {
  std::vector<int>& order = options_.sampler.balance_classes ? classes_ : queries_;
  if (position_ == 0) shuffle(order, generator_);
  int image = order[position_];
  int class_id = order[position_];
  if (options_.sampler.balance_classes) {
    const std::vector<int>& images = images_of_class_[class_id];
    image = images[uniform_below(generator_, images.size())];
  } else {
    std::vector<int> candidates;
    for (const int id : classes_) {
      if (std::ranges::find(images_of_class_[id], image) != images_of_class_[id].end()) {
        candidates.push_back(id);
      }
    }
    class_id = candidates[uniform_below(generator_, candidates.size())];
  }
  position_ = (position_ + 1) % order.size();

  Plan plan{.class_id = class_id, .query = random_view(image, class_id), .supports = {}};
  std::vector<int> used{image};
  const std::vector<int>& images = images_of_class_[class_id];
  while (plan.supports.size() < static_cast<std::size_t>(options_.sampler.shots)) {
    const int support = images[uniform_below(generator_, images.size())];
    if (std::ranges::find(used, support) != used.end()) continue;
    used.push_back(support);
    plan.supports.push_back(random_view(support, class_id));
  }
  return plan;
}

at::Tensor FeatureCache::one_class_label(const View& view, Role role) const {
  const at::Tensor label = views_.label(view.record, role);
  at::Tensor one_class = label.eq(view.value).to(at::kByte);
  return one_class.masked_fill_(label.eq(255), 255);
}

void FeatureCache::skip(std::int64_t episodes) {
  for (std::int64_t i = 0; i < episodes; ++i) plan();
}

EpisodeBatch FeatureCache::draw(int episodes) {
  while (next_.size() < static_cast<std::size_t>(episodes)) next_.push_back(plan());
  const std::vector<Plan> plans = std::move(next_);
  next_.clear();
  const EncodedParts parts = options_.views.parts;
  const bool with_transformed = parts.transformed != Encoded::kNot;
  for (int i = 0; i < episodes; ++i) {
    const Plan& ahead = next_.emplace_back(plan());
    views_.prefetch(ahead.query.record, Role::kQuery);
    for (const View& support : ahead.supports) {
      views_.prefetch(support.record, Role::kSupport);
      if (with_transformed) views_.prefetch(support.record, Role::kTransformed);
    }
  }

  EpisodeBatch batch;
  batch.shots = options_.sampler.shots;
  batch.encoded = parts;
  struct Rows {
    std::vector<at::Tensor> features, labels;
    at::Tensor stacked() const { return at::stack(features).permute({0, 3, 1, 2}); }
  };
  Rows query, support, transformed;
  const auto add = [&](Rows& rows, const View& view, Role role) {
    rows.features.push_back(views_.features(view.record, role));
    rows.labels.push_back(one_class_label(view, role));
  };
  const auto name = [&](const View& view) { return dataset_->name(views_.images()[view.image]); };
  for (const Plan& plan : plans) {
    batch.class_ids.push_back(plan.class_id);
    std::string description =
        "class " + dataset_->classes()[plan.class_id] + ", query " + name(plan.query);
    add(query, plan.query, Role::kQuery);
    for (const View& view : plan.supports) {
      description += ", support " + name(view);
      add(support, view, Role::kSupport);
      batch.seeds.push_back(place_seeds(support.labels.back().eq(1).to(at::kByte)));
      if (with_transformed) add(transformed, view, Role::kTransformed);
    }
    batch.descriptions.push_back(description);
  }
  batch.query = query.stacked();
  batch.query_label = at::stack(query.labels);
  batch.support = support.stacked();
  batch.support_label = at::stack(support.labels);
  if (with_transformed) {
    batch.transformed = transformed.stacked();
    batch.transformed_label = at::stack(transformed.labels);
  }
  return batch;
}

}  // namespace cdfss
