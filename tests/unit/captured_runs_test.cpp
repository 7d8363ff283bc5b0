#include "captured_runs.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fake_graph.h"

namespace cdfss {
namespace {

at::Tensor twice(const at::Tensor& x) { return x * 2; }

class CapturedRunsTest : public ::testing::Test {
 protected:
  // The key of images looked at with one class.
  RunKey key(std::int64_t side) const { return {{1, 3, side, side}, std::nullopt, {class_}, {0}}; }
  // As often as it takes until it is replayed.
  void replayed(const RunKey& with) {
    for (int i = 0; i < 3; ++i) runs_.run(with, at::ones({1}), twice);
  }

  testing::GraphCounts counts_;
  CapturedRuns runs_{testing::fake_graphs(counts_)};
  std::shared_ptr<int> class_ = std::make_shared<int>(1);
};

TEST_F(CapturedRunsTest, CaptureAtTheSecondMeetingAndReplayFromTheThird) {
  std::vector<std::pair<int, int>> captures_and_replays;
  for (int i = 1; i <= 4; ++i) {
    EXPECT_EQ(runs_.run(key(8), at::full({1}, i), twice)[0].item<float>(), 2.0F * i);
    captures_and_replays.emplace_back(counts_.captures, counts_.replays);
  }
  EXPECT_EQ(captures_and_replays,
            (std::vector<std::pair<int, int>>{{0, 0}, {1, 0}, {1, 1}, {1, 2}}));
}

// A graph writes every result to the same memory; what a caller was given stays.
TEST_F(CapturedRunsTest, ResultsAndInputsAreTheCallersOwn) {
  const auto to_one_place = [place = at::empty({3})](const at::Tensor& x) {
    return place.copy_(x * 2);
  };
  for (int i = 0; i < 2; ++i) runs_.run(key(8), at::ones({3}), to_one_place);
  const at::Tensor one = at::ones({3}), five = at::full({3}, 5.0F);
  const at::Tensor first = runs_.run(key(8), one, to_one_place);
  const at::Tensor second = runs_.run(key(8), five, to_one_place);
  EXPECT_EQ(counts_.replays, 2);
  EXPECT_TRUE(at::equal(first, at::full({3}, 2.0F)));
  EXPECT_TRUE(at::equal(second, at::full({3}, 10.0F)));
  EXPECT_TRUE(at::equal(one, at::ones({3})));
}

TEST_F(CapturedRunsTest, WhatDiffersIsCapturedApart) {
  const auto other = std::make_shared<int>(2);
  const RunKey base = key(8);
  std::vector<RunKey> keys(6, base);
  keys[1].sizes = {1, 3, 16, 16};
  keys[2].pick = Pick::kHighest;
  keys[3].pick = Pick::kLowest;
  keys[4].constants = {other};
  keys[5].constants = {class_, class_};
  keys[5].image_of = {0, 1};
  for (const RunKey& each : keys) replayed(each);
  EXPECT_EQ(counts_.captures, 6);
  EXPECT_EQ(counts_.alive, 6);
  for (const RunKey& each : keys) replayed(each);
  EXPECT_EQ(counts_.captures, 6);
  keys[5].image_of = {0, 0};
  EXPECT_FALSE(keys[5] == base);
}

// The memory of a class that is gone may hold another's numbers.
TEST_F(CapturedRunsTest, AGraphGoesWithAClassThatItReads) {
  auto second = std::make_shared<int>(2);
  RunKey both = key(8);
  both.constants.push_back(second);
  replayed(both);
  replayed(key(8));
  EXPECT_EQ(counts_.alive, 2);
  second.reset();
  runs_.run(key(8), at::ones({1}), twice);
  EXPECT_EQ(counts_.alive, 1);
  EXPECT_EQ(counts_.captures, 2);
  EXPECT_FALSE(both == key(8));
}

TEST_F(CapturedRunsTest, AreBoundedAndKeepWhatIsInUse) {
  const auto most = static_cast<int>(CapturedRuns::kMostKeys);
  for (int side = 0; side < most; ++side) replayed(key(side));
  EXPECT_EQ(counts_.alive, most);
  replayed(key(0));  // now 1 was not met for longest
  replayed(key(100));
  EXPECT_EQ(counts_.alive, most);
  EXPECT_EQ(counts_.captures, most + 1);
  replayed(key(0));
  EXPECT_EQ(counts_.captures, most + 1);
  replayed(key(1));
  EXPECT_EQ(counts_.captures, most + 2);
}

class Warnings final : public c10::WarningHandler {
 public:
  void process(const c10::Warning& warning) override { said.push_back(warning.msg()); }
  std::vector<std::string> said;
};

TEST_F(CapturedRunsTest, WithoutGraphsAfterAFailureThatIsSaidOnce) {
  Warnings warnings;
  const c10::WarningUtils::WarningHandlerGuard listening(&warnings);
  replayed(key(8));
  counts_.capture_fails = true;
  for (int i = 1; i <= 4; ++i) {
    EXPECT_EQ(runs_.run(key(16), at::full({1}, i), twice)[0].item<float>(), 2.0F * i);
    EXPECT_EQ(runs_.run(key(8), at::full({1}, i), twice)[0].item<float>(), 2.0F * i);
  }
  EXPECT_EQ(counts_.captures, 2);
  EXPECT_EQ(counts_.alive, 0);
  ASSERT_EQ(warnings.said.size(), 1U);
  EXPECT_NE(warnings.said[0].find("out of luck"), std::string::npos) << warnings.said[0];
}

TEST_F(CapturedRunsTest, LetFailuresOfTheFunctionThrough) {
  const auto failing = [](const at::Tensor& x) -> at::Tensor { return x.view({7}); };
  for (int i = 0; i < 3; ++i) {
    EXPECT_THROW(runs_.run(key(8), at::ones({2}), failing), c10::Error);
  }
  EXPECT_EQ(runs_.run(key(8), at::ones({2}), twice)[0].item<float>(), 2.0F);
}

}  // namespace
}  // namespace cdfss
