#include "feature_cache.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>

#include "data/random.h"
#include "io_test_support.h"
#include "sample_tensor.h"
#include "tensor/image_tensor.h"
#include "training_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::kSide;
using testing::SquaresDataset;
using testing::TemporaryFolder;

// The even images of SquaresDataset: one class each.
class OneClassEach : public SquaresDataset {
 public:
  int size() const override { return 5; }
  std::string name(int index) const override { return SquaresDataset::name(2 * index); }
  const std::vector<int>& classes_in(int) const override { return present_; }
  cv::Mat image(int index) const override { return SquaresDataset::image(2 * index); }
  cv::Mat label(int index, int) const override {
    return SquaresDataset::label(2 * index, SquaresDataset::classes_in(2 * index).front());
  }

 private:
  std::vector<int> present_{1};
};

class FeatureCacheTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    at::manual_seed(2);
    AsgnetOptions options;
    options.memory_layers = {};
    network_ = new Asgnet(options);
  }
  static void TearDownTestSuite() { delete network_; }

  FeatureCacheOptions options(int views, int shots = 1) const {
    return {.views = {.views = views, .augmentation = {.size = kSide}, .seed = 40},
            .sampler = {.shots = shots}};
  }

  static void expect_rounded(const at::Tensor& half, const at::Tensor& expected) {
    ASSERT_EQ(half.sizes(), expected.sizes());
    const double scale = expected.abs().max().item<double>();
    EXPECT_GT(scale, 0);
    EXPECT_LT((half.to(at::kFloat) - expected).abs().max().item<double>(), 2e-3 * scale);
  }
  // The image of OneClassEach that a description names for `role`.
  static int image_of(const std::string& description, const std::string& role) {
    const std::string before = role + " squares/";
    return std::stoi(description.substr(description.find(before) + before.size())) / 2;
  }
  // With one class an image and one view, record i is image i, augmented with seed + 1 + i after
  // the class that stays in sight was drawn.
  static std::mt19937_64 generator_of(int image) {
    std::mt19937_64 generator(40 + 1 + image);
    uniform_below(generator, 1);
    return generator;
  }

  static Asgnet* network_;
  TemporaryFolder folder_;
};
Asgnet* FeatureCacheTest::network_ = nullptr;

TEST_F(FeatureCacheTest, HoldsTheFeaturesThatTheNetworkGives) {
  const auto dataset = std::make_shared<OneClassEach>();
  FeatureCache cache(*network_, dataset, options(1), folder_ / "");
  EXPECT_EQ(folder_.file_count(), 0);  // the file has no name
  const EpisodeBatch batch = cache.draw(1);
  ASSERT_EQ(batch.encoded.query, Encoded::kWholly);
  ASSERT_EQ(batch.query.sizes(), (std::vector<std::int64_t>{1, 1536, 6, 6}));

  const int image = image_of(batch.descriptions[0], "query");
  std::mt19937_64 generator = generator_of(image);
  const Sample view = augment({.image = dataset->image(image), .label = dataset->label(image, 1)},
                              {.size = kSide}, generator);
  EXPECT_TRUE(at::equal(batch.query_label[0], to_tensor(view.label)));
  const at::NoGradGuard no_grad;
  (*network_)->eval();
  expect_rounded(batch.query, (*network_)->backbone_features(
                                  normalise(to_tensor(view.image).unsqueeze(0)), std::nullopt));
}

TEST_F(FeatureCacheTest, HoldsSupportAndItsTransformedViewBeforeTheFirstMemory) {
  AsgnetOptions with_memory;
  with_memory.memory_layers = {1};
  Asgnet network(with_memory);
  const auto dataset = std::make_shared<OneClassEach>();
  FeatureCacheOptions parts = options(1);
  parts.views.parts = {Encoded::kWholly, Encoded::kPartly, Encoded::kPartly};
  FeatureCache cache(network, dataset, parts, folder_ / "");
  const EpisodeBatch batch = cache.draw(1);
  EXPECT_EQ(batch.encoded.support, Encoded::kPartly);
  EXPECT_EQ(batch.query.sizes(), (std::vector<std::int64_t>{1, 1536, 6, 6}));

  const int image = image_of(batch.descriptions[0], "support");
  std::mt19937_64 generator = generator_of(image);
  const Sample sample{.image = dataset->image(image), .label = dataset->label(image, 1)};
  const Sample view = augment(sample, {.size = kSide}, generator);
  const Sample transformed = augment(sample, {.size = kSide, .colour_jitter = true}, generator);
  EXPECT_TRUE(at::equal(batch.support_label[0], to_tensor(view.label)));
  EXPECT_TRUE(at::equal(batch.transformed_label[0], to_tensor(transformed.label)));
  const at::NoGradGuard no_grad;
  network->eval();
  const auto before_memory = [&](const Sample& of) {
    const at::Tensor input = normalise(to_tensor(of.image).unsqueeze(0));
    return network->backbone()->stage(1, network->backbone()->stage(0, input));
  };
  expect_rounded(batch.support, before_memory(view));
  expect_rounded(batch.transformed, before_memory(transformed));
}

TEST_F(FeatureCacheTest, EpisodesAreOfOneClassAndDistinctImages) {
  const auto dataset = std::make_shared<SquaresDataset>();
  FeatureCache cache(*network_, dataset, options(2, 2), folder_ / "");
  EXPECT_EQ(cache.queries(), 9);
  // kMinimumArea of 473 x 473, at 41 x 41.
  const double least = 2048.0 * kSide * kSide / (473.0 * 473.0);
  std::set<int> classes;
  for (int i = 0; i < 12; ++i) {
    const EpisodeBatch batch = cache.draw(2);
    ASSERT_EQ(batch.support.size(0), 4);
    ASSERT_EQ(batch.seeds.size(), 4U);
    for (const int id : batch.class_ids) classes.insert(id);
    for (const at::Tensor& labels : {batch.query_label, batch.support_label}) {
      EXPECT_TRUE(
          labels.eq(0).logical_or(labels.eq(1)).logical_or(labels.eq(255)).all().item<bool>());
      EXPECT_GE(labels.eq(1).flatten(1).sum(1).min().item<double>(), least);
    }
    for (const std::string& text : batch.descriptions) {
      std::set<std::string> images;
      for (std::size_t at = text.find("squares/"); at != std::string::npos;
           at = text.find("squares/", at + 1)) {
        images.insert(text.substr(at, 9));
      }
      EXPECT_EQ(images.size(), 3U) << text;
    }
  }
  EXPECT_EQ(classes, (std::set<int>{0, 1, 2}));
}

TEST_F(FeatureCacheTest, TheSameSeedDrawsTheSameEpisodes) {
  const auto dataset = std::make_shared<SquaresDataset>(4);
  FeatureCache a(*network_, dataset, options(1), folder_ / "");
  FeatureCache b(*network_, dataset, options(1), folder_ / "");
  for (int i = 0; i < 5; ++i) {
    const EpisodeBatch first = a.draw(2);
    const EpisodeBatch second = b.draw(2);
    EXPECT_EQ(first.descriptions, second.descriptions);
    EXPECT_TRUE(at::equal(first.support_label, second.support_label));
  }
}

TEST_F(FeatureCacheTest, SkippedEpisodesAreThoseAtTheBegin) {
  const auto dataset = std::make_shared<SquaresDataset>(4);
  FeatureCache all(*network_, dataset, options(2), folder_ / "");
  FeatureCache rest(*network_, dataset, options(2), folder_ / "");
  rest.skip(6);
  for (int i = 0; i < 3; ++i) all.draw(2);
  for (int i = 0; i < 3; ++i) {
    const EpisodeBatch first = all.draw(2);
    const EpisodeBatch second = rest.draw(2);
    EXPECT_EQ(first.descriptions, second.descriptions);
    EXPECT_TRUE(at::equal(first.query, second.query));
  }
}

TEST_F(FeatureCacheTest, StopsWhenAsked) {
  int calls = 0;
  FeatureCache cache(*network_, std::make_shared<SquaresDataset>(), options(1), folder_ / "",
                     [&](int done, int total) {
                       ++calls;
                       EXPECT_EQ(total, 9);
                       EXPECT_EQ(done, 8);
                       return false;
                     });
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(cache.queries(), 0);
}

TEST_F(FeatureCacheTest, RefusesTooFewImagesAClass) {
  const auto dataset = std::make_shared<SquaresDataset>(2);  // red; green and blue
  expect_error(ErrorCode::kInvalidValue, {"no class shows in more than 1 images"},
               [&] { FeatureCache(*network_, dataset, options(1), folder_ / ""); });
}

TEST_F(FeatureCacheTest, NamesAFolderThatDoesNotTakeTheFile) {
  expect_error(ErrorCode::kUnreadable, {"nowhere", "feature cache"}, [&] {
    FeatureCache(*network_, std::make_shared<SquaresDataset>(), options(1), folder_ / "nowhere");
  });
}

}  // namespace
}  // namespace cdfss
