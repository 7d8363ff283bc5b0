#include "feature_cache.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <future>
#include <opencv2/core.hpp>

#include "cdfss/error.h"
#include "data/random.h"
#include "inference_copy.h"
#include "model/seed_placement.h"
#include "sample_tensor.h"
#include "tensor/image_tensor.h"

namespace cdfss {
namespace {

constexpr std::int64_t kChunk = 8;  // views encoded together
constexpr int kReferenceSide = 473;

// The label with every class of the image: `classes[i]` becomes i + 1.
cv::Mat combined_label(const Dataset& dataset, int index, const std::vector<int>& classes) {
  cv::Mat combined;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const cv::Mat label = dataset.label(index, classes[i]);
    if (i == 0) combined = cv::Mat::zeros(label.size(), CV_8UC1);
    combined.setTo(static_cast<double>(i + 1), label == 1);
    combined.setTo(255, label == 255);
  }
  return combined;
}

}  // namespace

struct FeatureCache::Chunk {
  std::int64_t first = 0;
  std::vector<at::Tensor> images;         // uint8 [S, S, 3]
  std::vector<at::Tensor> labels;         // uint8 [S, S]
  std::vector<std::vector<int>> classes;  // as record_classes_
};

FeatureCache::FeatureCache(Asgnet& network, std::shared_ptr<const Dataset> dataset,
                           const FeatureCacheOptions& options, const std::filesystem::path& folder,
                           const Progress& progress)
    : dataset_(std::move(dataset)), options_(options), generator_(options.seed) {
  for (int index = 0; index < dataset_->size(); ++index) {
    if (!dataset_->classes_in(index).empty()) images_.push_back(index);
  }
  const auto total = static_cast<std::int64_t>(images_.size()) * options_.views;
  const int side = options_.augmentation.size;
  const ResNetLayout& layout = network->backbone()->layout();
  store_ = std::make_unique<FeatureStore>(
      folder, total, ResNetImpl::channels(layout, 3) + ResNetImpl::channels(layout, 2),
      (side - 1) / 8 + 1, side);
  record_classes_.resize(total);
  Asgnet encoder = inference_copy(network, options_.precision);
  // Images are read and augmented while the network works on those before.
  std::future<Chunk> ahead =
      std::async(std::launch::async, &FeatureCache::prepare, this, 0, std::min(kChunk, total));
  for (std::int64_t first = 0; first < total; first += kChunk) {
    const Chunk chunk = ahead.get();
    const std::int64_t next = first + kChunk;
    if (next < total) {
      ahead = std::async(std::launch::async, &FeatureCache::prepare, this, next,
                         std::min(next + kChunk, total));
    }
    encode(encoder, chunk);
    const auto done = static_cast<int>(std::min(next, total));
    if (progress && !progress(done, static_cast<int>(total))) return;
  }
  index_classes();
}

// Records are ordered by view, then image.
FeatureCache::Chunk FeatureCache::prepare(std::int64_t first, std::int64_t last) const {
  const int side = options_.augmentation.size;
  const double minimum_area =
      double{kMinimumArea} * side * side / (double{kReferenceSide} * kReferenceSide);
  Chunk chunk;
  chunk.first = first;
  for (std::int64_t record = first; record < last; ++record) {
    const int index = images_[record % static_cast<std::int64_t>(images_.size())];
    std::mt19937_64 generator(options_.seed + 1 + record);
    std::vector<int> classes = dataset_->classes_in(index);
    // The crop keeps label value 1 in sight.
    std::swap(classes[0], classes[uniform_below(generator, classes.size())]);
    const Sample view = augment(
        {.image = dataset_->image(index), .label = combined_label(*dataset_, index, classes)},
        options_.augmentation, generator);
    for (std::size_t i = 0; i < classes.size(); ++i) {
      if (cv::countNonZero(view.label == static_cast<double>(i + 1)) < minimum_area) {
        classes[i] = -1;
      }
    }
    chunk.images.push_back(to_tensor(view.image));
    chunk.labels.push_back(to_tensor(view.label));
    chunk.classes.push_back(std::move(classes));
  }
  return chunk;
}

void FeatureCache::encode(Asgnet& encoder, const Chunk& chunk) {
  const at::NoGradGuard no_grad;
  const at::Device device = encoder->parameters().front().device();
  const at::Tensor images = normalise(at::stack(chunk.images).to(device))
                                .to(options_.precision, /*non_blocking=*/false, /*copy=*/false,
                                    at::MemoryFormat::ChannelsLast);
  const at::Tensor features =
      encoder->backbone_features(images, std::nullopt).permute({0, 2, 3, 1});
  for (std::size_t i = 0; i < chunk.images.size(); ++i) {
    const std::int64_t record = chunk.first + static_cast<std::int64_t>(i);
    store_->features(record).copy_(features[static_cast<std::int64_t>(i)]);
    store_->label(record).copy_(chunk.labels[i]);
    record_classes_[record] = chunk.classes[i];
  }
}

void FeatureCache::index_classes() {
  const int images = static_cast<int>(images_.size());
  images_of_class_.resize(dataset_->classes().size());
  for (std::size_t record = 0; record < record_classes_.size(); ++record) {
    const int image = static_cast<int>(record % images);
    for (const int class_id : record_classes_[record]) {
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
  for (int v = 0; v < options_.views; ++v) {
    const std::int64_t record = static_cast<std::int64_t>(v) * images_.size() + image;
    const std::vector<int>& classes = record_classes_[record];
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

at::Tensor FeatureCache::one_class_label(const View& view) const {
  const at::Tensor label = store_->label(view.record);
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
  for (int i = 0; i < episodes; ++i) {
    const Plan& ahead = next_.emplace_back(plan());
    store_->prefetch(ahead.query.record);
    for (const View& support : ahead.supports) store_->prefetch(support.record);
  }

  EpisodeBatch batch;
  batch.shots = options_.sampler.shots;
  batch.encoded = true;
  std::vector<at::Tensor> query, query_label, support, support_label;
  for (const Plan& plan : plans) {
    batch.class_ids.push_back(plan.class_id);
    std::string description = "class " + dataset_->classes()[plan.class_id] + ", query " +
                              dataset_->name(images_[plan.query.image]);
    query.push_back(store_->features(plan.query.record));
    query_label.push_back(one_class_label(plan.query));
    for (const View& view : plan.supports) {
      description += ", support " + dataset_->name(images_[view.image]);
      support.push_back(store_->features(view.record));
      support_label.push_back(one_class_label(view));
      batch.seeds.push_back(place_seeds(support_label.back().eq(1).to(at::kByte)));
    }
    batch.descriptions.push_back(description);
  }
  batch.query = at::stack(query).permute({0, 3, 1, 2});
  batch.support = at::stack(support).permute({0, 3, 1, 2});
  batch.query_label = at::stack(query_label);
  batch.support_label = at::stack(support_label);
  return batch;
}

}  // namespace cdfss
