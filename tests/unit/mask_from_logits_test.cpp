#include "mask_from_logits.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace cdfss {
namespace {

// Two classes on a 2 x 2 grid, one logit a cell.
at::Tensor two_classes() {
  return at::tensor({4.0F, -4.0F, 1.0F, -1.0F,   // first: left column, weaker below
                     -4.0F, -4.0F, 3.0F, 0.5F})  // second: lower row
      .view({2, 2, 2});
}

TEST(MaskFromLogits, GivesEachPixelItsMostProbableClass) {
  Mask mask;
  mask_from_logits(two_classes(), 0.5F, {"fish", "net"}, 2, 2, false, mask);
  EXPECT_EQ(mask.classes, (std::vector<std::uint8_t>{1, 0, 2, 2}));
  ASSERT_EQ(mask.regions.size(), 2U);
  EXPECT_EQ(mask.regions[0].name, "fish");
  EXPECT_EQ(mask.regions[0].area, 1);
  EXPECT_EQ(mask.regions[1].area, 2);
  EXPECT_EQ(mask.regions[1].x, 0);
  EXPECT_EQ(mask.regions[1].y, 1);
  EXPECT_EQ(mask.regions[1].width, 2);
  EXPECT_EQ(mask.regions[1].height, 1);
  EXPECT_TRUE(mask.probabilities.empty());
}

TEST(MaskFromLogits, FirstOfEqualsWins) {
  Mask mask;
  mask_from_logits(at::full({3, 1, 2}, 1.0F), 0.5F, {"a", "b", "c"}, 2, 1, false, mask);
  EXPECT_EQ(mask.classes, (std::vector<std::uint8_t>{1, 1}));
}

// All classes' probabilities, each in its place.
TEST(MaskFromLogits, GivesProbabilitiesOfEveryClass) {
  Mask mask;
  mask_from_logits(two_classes(), 0.5F, {"fish", "net"}, 2, 2, true, mask);
  ASSERT_EQ(mask.probabilities.size(), 8U);
  EXPECT_NEAR(mask.probabilities[1], 1 / (1 + std::exp(4.0)), 1e-6);
  EXPECT_NEAR(mask.probabilities[6], 1 / (1 + std::exp(-3.0)), 1e-6);
}

TEST(MaskFromLogits, ThresholdIsAProbability) {
  const at::Tensor logits = at::tensor({std::log(0.7F / 0.3F)}).view({1, 1, 1});
  Mask mask;
  mask_from_logits(logits, 0.69F, {"a"}, 1, 1, true, mask);
  EXPECT_EQ(mask.classes[0], 1);
  EXPECT_NEAR(mask.probabilities[0], 0.7F, 1e-6F);
  mask_from_logits(logits, 0.71F, {"a"}, 1, 1, false, mask);
  EXPECT_EQ(mask.classes[0], 0);
  EXPECT_EQ(mask.regions[0].area, 0);
  EXPECT_EQ(mask.regions[0].width, 0);
  mask_from_logits(logits, 0.0F, {"a"}, 1, 1, false, mask);
  EXPECT_EQ(mask.classes[0], 1);
  mask_from_logits(logits, 1.0F, {"a"}, 1, 1, false, mask);
  EXPECT_EQ(mask.classes[0], 0);
}

TEST(MaskFromLogits, ScoreIsTheProbabilityAtTheMeanLogit) {
  Mask mask;
  mask_from_logits(two_classes(), 0.5F, {"fish", "net"}, 2, 2, false, mask);
  EXPECT_NEAR(mask.regions[0].score, 1 / (1 + std::exp(-4.0)), 1e-6);    // one pixel
  EXPECT_NEAR(mask.regions[1].score, 1 / (1 + std::exp(-1.75)), 1e-6);  // of 3 and 0.5
  mask_from_logits(two_classes(), 1.0F, {"fish", "net"}, 2, 2, false, mask);
  EXPECT_EQ(mask.regions[0].score, 0);
}

TEST(MaskFromLogits, ResizesToTheImage) {
  Mask mask;
  mask_from_logits(at::tensor({-1.0F, 1.0F}).view({1, 1, 2}), 0.5F, {"a"}, 9, 3, false, mask);
  EXPECT_EQ(mask.classes.size(), 27U);
  EXPECT_EQ(mask.regions[0].x, 4);  // the logit crosses 0 in the middle, which counts as object
  EXPECT_EQ(mask.regions[0].width, 5);
  EXPECT_EQ(mask.regions[0].height, 3);
}

}  // namespace
}  // namespace cdfss
