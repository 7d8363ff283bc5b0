#include "data/episode_sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "data/random.h"
#include "data_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::FakeDataset;

// cat in images 0-3, dog in 2-4, owl in 5, nothing in 6.
std::shared_ptr<FakeDataset> pets() {
  return std::make_shared<FakeDataset>(
      std::vector<std::string>{"cat", "dog", "owl"},
      std::vector<std::vector<int>>{{0}, {0}, {0, 1}, {0, 1}, {1}, {2}, {}});
}

using Draw = std::tuple<int, int, std::vector<int>>;  // class, query, supports

std::vector<Draw> draws(std::uint64_t seed, int count, EpisodeSamplerOptions options = {}) {
  EpisodeSampler sampler(pets(), options, seed);
  std::vector<Draw> result;
  for (int i = 0; i < count; ++i) {
    const Episode episode = sampler.draw();
    result.emplace_back(episode.class_id, episode.query_index, episode.support_indices);
  }
  return result;
}

TEST(EpisodeSampler, SupportsAreDistinctImagesOfTheClassAndNotTheQuery) {
  const auto dataset = pets();
  for (const int shots : {1, 2}) {
    for (const bool balance : {false, true}) {
      for (const auto& [class_id, query, supports] :
           draws(7, 100, {.shots = shots, .balance_classes = balance})) {
        const auto in_class = [&, id = class_id](int image) {
          const auto& classes = dataset->classes_in(image);
          return std::ranges::find(classes, id) != classes.end();
        };
        EXPECT_TRUE(in_class(query));
        EXPECT_TRUE(std::ranges::all_of(supports, in_class));
        std::set<int> images(supports.begin(), supports.end());
        images.insert(query);
        EXPECT_EQ(images.size(), shots + 1u);
      }
    }
  }
}

TEST(EpisodeSampler, AClassNeedsMoreImagesThanShots) {
  EXPECT_EQ(EpisodeSampler(pets(), {.shots = 1}, 0).queries(),
            5);  // not the owl, not the empty one
  EXPECT_EQ(EpisodeSampler(pets(), {.shots = 3}, 0).queries(), 4);  // only cats
  for (const auto& [class_id, query, supports] : draws(1, 50, {.shots = 3})) {
    EXPECT_EQ(class_id, 0);
  }
}

TEST(EpisodeSampler, EveryImageIsTheQueryOnceAnEpoch) {
  EpisodeSampler sampler(pets(), {.shots = 1}, 3);
  std::set<std::vector<int>> orders;
  for (int epoch = 0; epoch < 20; ++epoch) {
    std::vector<int> order;
    for (int i = 0; i < sampler.queries(); ++i) order.push_back(sampler.draw().query_index);
    orders.insert(order);
    EXPECT_EQ(std::set<int>(order.begin(), order.end()), (std::set<int>{0, 1, 2, 3, 4}));
  }
  EXPECT_GT(orders.size(), 10u);  // shuffled anew each time
}

TEST(EpisodeSampler, BalancedDrawsEachClassEquallyOften) {
  std::map<int, int> count;
  for (const auto& [class_id, query, supports] :
       draws(5, 60, {.shots = 1, .balance_classes = true})) {
    ++count[class_id];
  }
  EXPECT_EQ(count, (std::map<int, int>{{0, 30}, {1, 30}}));
}

TEST(EpisodeSampler, SeedDecidesEverything) {
  EXPECT_EQ(draws(11, 30), draws(11, 30));
  EXPECT_NE(draws(11, 30), draws(12, 30));
}

TEST(EpisodeSampler, NextReadsImagesAndLabels) {
  EpisodeSampler sampler(pets(), {.shots = 2}, 1);
  const Episode episode = sampler.next();
  EXPECT_EQ(episode.class_name, pets()->classes()[episode.class_id]);
  EXPECT_EQ(episode.query.image.at<cv::Vec3b>(0, 0)[0], episode.query_index);
  ASSERT_EQ(episode.supports.size(), 2u);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(episode.supports[i].image.at<cv::Vec3b>(0, 0)[0], episode.support_indices[i]);
    EXPECT_EQ(episode.supports[i].label.at<std::uint8_t>(0, episode.class_id), 1);
  }
}

TEST(EpisodeSampler, RefusesWhatCannotBeDrawnOrDoesNotFit) {
  expect_error(ErrorCode::kInvalidValue, {"0 shots"},
               [] { EpisodeSampler(pets(), {.shots = 0}, 0); });
  expect_error(ErrorCode::kInvalidValue, {"5 images", "4 shots", "has 4"},
               [] { EpisodeSampler(pets(), {.shots = 4}, 0); });
  const auto dataset = pets();
  dataset->wrong_size_ = 2;
  EpisodeSampler sampler(dataset, {.shots = 1}, 0);
  Episode episode = sampler.draw();
  episode.query_index = 2;
  expect_error(ErrorCode::kInvalidValue, {"image2", "5x2", "4x2"}, [&] { sampler.load(episode); });
}

TEST(Random, DrawsAreUniformAndInRange) {
  std::mt19937_64 generator(1);
  std::map<std::uint64_t, int> count;
  for (int i = 0; i < 6000; ++i) ++count[uniform_below(generator, 6)];
  ASSERT_EQ(count.size(), 6u);
  for (const auto& [value, times] : count) EXPECT_NEAR(times, 1000, 150) << value;
  double sum = 0;
  for (int i = 0; i < 1000; ++i) {
    const double value = uniform_real(generator, -2, 4);
    EXPECT_GE(value, -2);
    EXPECT_LT(value, 4);
    sum += value;
  }
  EXPECT_NEAR(sum / 1000, 1, 0.25);
}

// The standard fixes the generator and random.h the rest, so these numbers hold everywhere.
TEST(Random, DrawsDoNotDependOnTheStandardLibrary) {
  std::mt19937_64 generator(5489);  // first output 14514284786278117030
  EXPECT_EQ(uniform_below(generator, 100), 30u);
  generator.seed(5489);
  EXPECT_DOUBLE_EQ(uniform_real(generator, 0, 1), 14514284786278117030.0 / 18446744073709551616.0);
}

}  // namespace
}  // namespace cdfss
