#include "mask_from_logits.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tensor/image_tensor.h"

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
  EXPECT_NEAR(mask.regions[0].score, 1 / (1 + std::exp(-4.0)), 1e-6);   // one pixel
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

// The definition: resize, then the most probable class of each pixel if it reaches the threshold.
TEST(MaskFromLogits, IsTheResizedLogitsDecision) {
  at::manual_seed(7);
  const at::Tensor logits = at::randn({3, 6, 6}) * 2;
  const int threads = at::get_num_threads();
  for (const auto& [width, height] : {std::pair{1, 1}, {6, 6}, {4, 3}, {213, 130}}) {
    const at::Tensor sized = resize_align_corners(logits.unsqueeze(0), height, width)[0];
    const auto [best, index] = sized.max(0);
    const at::Tensor decided = (index + 1) * best.ge(std::log(0.6F / 0.4F));
    Mask mask, again;
    at::set_num_threads(1);
    mask_from_logits(logits, 0.6F, {"a", "b", "c"}, width, height, true, mask);
    at::set_num_threads(4);
    mask_from_logits(logits, 0.6F, {"a", "b", "c"}, width, height, false, again);
    const at::Tensor classes =
        at::from_blob(mask.classes.data(), {height, width}, at::kByte).to(at::kLong);
    EXPECT_LE(classes.ne(decided).sum().item<std::int64_t>(), classes.numel() / 1000);
    EXPECT_TRUE(at::allclose(at::from_blob(mask.probabilities.data(), sized.sizes(), at::kFloat),
                             sized.sigmoid(), 1e-4, 1e-5));
    EXPECT_EQ(mask.classes, again.classes);
    for (std::size_t i = 0; i < 3; ++i) {
      const at::Tensor inside = classes.eq(static_cast<std::int64_t>(i) + 1);
      EXPECT_EQ(mask.regions[i].area, inside.sum().item<std::int64_t>());
      EXPECT_EQ(mask.regions[i].score, again.regions[i].score) << "depends on the threads";
      if (mask.regions[i].area == 0) continue;
      const double mean = best.masked_select(inside).mean().item<double>();
      EXPECT_NEAR(mask.regions[i].score, 1 / (1 + std::exp(-mean)), 1e-4);
    }
  }
  at::set_num_threads(threads);
}

}  // namespace
}  // namespace cdfss
