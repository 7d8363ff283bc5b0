#include "encoded_views.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <future>
#include <opencv2/core.hpp>

#include "data/random.h"
#include "inference_copy.h"
#include "sample_tensor.h"
#include "tensor/image_tensor.h"

namespace cdfss {
namespace {

constexpr std::int64_t kChunk = 8;  // records encoded together
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

// Classes of which too little shows become -1.
void drop_unseen(std::vector<int>& classes, const cv::Mat& label) {
  const double minimum_area =
      double{kMinimumArea} * label.total() / (double{kReferenceSide} * kReferenceSide);
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (cv::countNonZero(label == static_cast<double>(i + 1)) < minimum_area) classes[i] = -1;
  }
}

at::Tensor network_input(const std::vector<at::Tensor>& images, at::Device device,
                         at::ScalarType precision) {
  return normalise(at::stack(images).to(device))
      .to(precision, /*non_blocking=*/false, /*copy=*/false, at::MemoryFormat::ChannelsLast);
}

}  // namespace

struct EncodedViews::Chunk {
  struct Images {
    std::vector<at::Tensor> images;  // uint8 [S, S, 3]
    std::vector<at::Tensor> labels;  // uint8 [S, S]

    void add(const Sample& sample) {
      images.push_back(to_tensor(sample.image));
      labels.push_back(to_tensor(sample.label));
    }
  };
  std::int64_t first = 0;
  Images views, transformed;
  std::vector<std::vector<int>> classes;  // as classes_
};

EncodedViews::EncodedViews(Asgnet& network, std::shared_ptr<const Dataset> dataset,
                           const EncodedViewsOptions& options, const std::filesystem::path& folder,
                           const Progress& progress)
    : dataset_(std::move(dataset)), options_(options) {
  for (int index = 0; index < dataset_->size(); ++index) {
    if (!dataset_->classes_in(index).empty()) images_.push_back(index);
  }
  const auto total = static_cast<std::int64_t>(images_.size()) * options_.views;
  store_ = std::make_unique<FeatureStore>(folder, total, fields(network));
  classes_.resize(total);
  Asgnet encoder = inference_copy(network, options_.precision);
  // Images are read and augmented while the network works on those before.
  std::future<Chunk> ahead =
      std::async(std::launch::async, &EncodedViews::prepare, this, 0, std::min(kChunk, total));
  for (std::int64_t first = 0; first < total; first += kChunk) {
    const Chunk chunk = ahead.get();
    const std::int64_t next = first + kChunk;
    if (next < total) {
      ahead = std::async(std::launch::async, &EncodedViews::prepare, this, next,
                         std::min(next + kChunk, total));
    }
    encode(encoder, chunk);
    const auto done = static_cast<int>(std::min(next, total));
    if (progress && !progress(done, static_cast<int>(total))) return;
  }
  complete_ = true;
}

std::vector<FeatureStore::Field> EncodedViews::fields(Asgnet& network) const {
  using Sizes = std::vector<std::int64_t>;
  const ResNetLayout& layout = network->backbone()->layout();
  const int stage = network->unstyled_stage();
  const std::int64_t side = options_.augmentation.size;
  const std::int64_t eighth = (side - 1) / 8 + 1;
  const std::int64_t part_side = stage < 2 ? (side - 1) / 4 + 1 : eighth;
  const auto features = [&](Encoded state) -> Sizes {
    if (state == Encoded::kNot) return {0};
    if (state == Encoded::kPartly) {
      return {part_side, part_side, ResNetImpl::channels(layout, stage)};
    }
    return {eighth, eighth, ResNetImpl::channels(layout, 3) + ResNetImpl::channels(layout, 2)};
  };
  const auto if_wanted = [&](Encoded state) {
    const bool wanted = options_.parts.query == state || options_.parts.support == state;
    return features(wanted ? state : Encoded::kNot);
  };
  const Encoded transformed = options_.parts.transformed;
  return {{at::kByte, {side, side}},
          {at::kHalf, if_wanted(Encoded::kPartly)},
          {at::kHalf, if_wanted(Encoded::kWholly)},
          {at::kByte, transformed == Encoded::kNot ? Sizes{0} : Sizes{side, side}},
          {at::kHalf, features(transformed)}};
}

EncodedViews::Chunk EncodedViews::prepare(std::int64_t first, std::int64_t last) const {
  AugmentationOptions with_jitter = options_.augmentation;
  with_jitter.colour_jitter = true;
  Chunk chunk;
  chunk.first = first;
  for (std::int64_t record = first; record < last; ++record) {
    const int index = images_[record % static_cast<std::int64_t>(images_.size())];
    std::mt19937_64 generator(options_.seed + 1 + record);
    std::vector<int> classes = dataset_->classes_in(index);
    // The crop keeps label value 1 in sight.
    std::swap(classes[0], classes[uniform_below(generator, classes.size())]);
    const Sample sample{.image = dataset_->image(index),
                        .label = combined_label(*dataset_, index, classes)};
    const auto add_view = [&](Chunk::Images& images, const AugmentationOptions& augmentation) {
      const Sample view = augment(sample, augmentation, generator);
      drop_unseen(classes, view.label);
      images.add(view);
    };
    add_view(chunk.views, options_.augmentation);
    if (options_.parts.transformed != Encoded::kNot) add_view(chunk.transformed, with_jitter);
    chunk.classes.push_back(std::move(classes));
  }
  return chunk;
}

void EncodedViews::encode(Asgnet& encoder, const Chunk& chunk) {
  const at::NoGradGuard no_grad;
  const at::Device device = encoder->parameters().front().device();
  const int stage = encoder->unstyled_stage();
  const auto keep = [&](const at::Tensor& features, Field field) {
    for (std::int64_t i = 0; i < features.size(0); ++i) {
      store_->field(chunk.first + i, field).copy_(features[i].permute({1, 2, 0}));
    }
  };
  const auto encode_images = [&](const Chunk::Images& images, bool partly, Field part, bool wholly,
                                 Field whole, Field label) {
    at::Tensor x = network_input(images.images, device, options_.precision);
    for (int i = 0; i <= stage; ++i) x = encoder->backbone()->stage(i, x);
    if (partly) keep(x, part);
    if (wholly) keep(encode_from(encoder->backbone(), stage, x), whole);
    for (std::size_t i = 0; i < images.labels.size(); ++i) {
      store_->field(chunk.first + static_cast<std::int64_t>(i), label).copy_(images.labels[i]);
    }
  };
  const auto [query, support, transformed] = options_.parts;
  encode_images(chunk.views, query == Encoded::kPartly || support == Encoded::kPartly, kPart,
                query == Encoded::kWholly || support == Encoded::kWholly, kWhole, kLabel);
  if (transformed != Encoded::kNot) {
    encode_images(chunk.transformed, transformed == Encoded::kPartly, kTransformed,
                  transformed == Encoded::kWholly, kTransformed, kTransformedLabel);
  }
  std::ranges::copy(chunk.classes, classes_.begin() + chunk.first);
}

EncodedViews::Field EncodedViews::features_field(Role role) const {
  if (role == Role::kTransformed) return kTransformed;
  const Encoded state = role == Role::kQuery ? options_.parts.query : options_.parts.support;
  return state == Encoded::kPartly ? kPart : kWhole;
}

EncodedViews::Field EncodedViews::label_field(Role role) {
  return role == Role::kTransformed ? kTransformedLabel : kLabel;
}

at::Tensor EncodedViews::features(std::int64_t record, Role role) const {
  return store_->field(record, features_field(role));
}

at::Tensor EncodedViews::label(std::int64_t record, Role role) const {
  return store_->field(record, label_field(role));
}

void EncodedViews::prefetch(std::int64_t record, Role role) const {
  store_->prefetch(record, features_field(role));
  store_->prefetch(record, label_field(role));
}

}  // namespace cdfss
