#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "cdfss/error.h"
#include "loss/segmentation.h"

namespace cdfss {
namespace {

// Logits [1, 2, h, w] whose foreground channel is `foreground` and whose background is 0.
at::Tensor logits_of(const at::Tensor& foreground) {
  return at::stack({at::zeros_like(foreground), foreground}).unsqueeze(0);
}

at::Tensor labels_of(std::initializer_list<int64_t> values, int64_t side) {
  return at::tensor(std::vector<int64_t>(values), at::kLong).reshape({1, side, side});
}

double softplus(double x) { return std::log1p(std::exp(x)); }

TEST(SegmentationLoss, MeanOverValidPixels) {
  Enriched output;
  output.logits = logits_of(at::tensor({2., -1., 0., 50.}, at::kDouble).reshape({2, 2}));
  // The confident mistake is ignored: three pixels count.
  const auto loss = segmentation_loss(output, labels_of({1, 0, 1, 255}, 2));
  EXPECT_NEAR(loss.main.item<double>(), (softplus(-2) + softplus(-1) + std::log(2.)) / 3, 1e-12);
  EXPECT_EQ(loss.auxiliary.item<double>(), 0);
}

TEST(SegmentationLoss, AForegroundPixelCountsItsWeight) {
  Enriched output;
  output.logits = logits_of(at::tensor({2., -1., 0., 50.}, at::kDouble).reshape({2, 2}));
  output.inner = {logits_of(at::full({1, 1}, 1., at::kDouble))};
  const auto loss = segmentation_loss(output, labels_of({1, 0, 1, 255}, 2), 3);
  EXPECT_NEAR(loss.main.item<double>(), (3 * softplus(-2) + softplus(-1) + 3 * std::log(2.)) / 7,
              1e-12);
  EXPECT_NEAR(loss.auxiliary.item<double>(), (6 * softplus(-1) + softplus(1)) / 7, 1e-12);
}

TEST(SegmentationLoss, MeanOverTheWholeBatchNotOverItsItems) {
  Enriched output;
  output.logits = at::cat(
      {logits_of(at::full({2, 2}, 3., at::kDouble)), logits_of(at::full({2, 2}, 0., at::kDouble))});
  const auto labels = at::cat({labels_of({1, 1, 1, 1}, 2), labels_of({1, 255, 255, 255}, 2)});
  EXPECT_NEAR(segmentation_loss(output, labels).main.item<double>(),
              (4 * softplus(-3) + std::log(2.)) / 5, 1e-12);
}

TEST(SegmentationLoss, ResizesWithAlignedCorners) {
  // Corners 0, 2, 4, 6 stay, the pixels between are their averages.
  Enriched output;
  output.logits = logits_of(at::tensor({0., 2., 4., 6.}, at::kDouble).reshape({2, 2}));
  const auto loss = segmentation_loss(output, at::ones({1, 3, 3}, at::kLong));
  double expected = 0;
  for (const double logit : {0, 1, 2, 2, 3, 4, 4, 5, 6}) expected += softplus(-logit) / 9;
  EXPECT_NEAR(loss.main.item<double>(), expected, 1e-12);
}

TEST(SegmentationLoss, AuxiliaryIsTheMeanOfTheInnerHeads) {
  Enriched output;
  output.logits = logits_of(at::full({2, 2}, 9., at::kDouble));
  output.inner = {logits_of(at::full({2, 2}, 1., at::kDouble)),
                  logits_of(at::full({1, 1}, -2., at::kDouble))};
  const auto loss = segmentation_loss(output, labels_of({1, 1, 255, 1}, 2));
  EXPECT_NEAR(loss.main.item<double>(), softplus(-9), 1e-12);
  EXPECT_NEAR(loss.auxiliary.item<double>(), (softplus(-1) + softplus(2)) / 2, 1e-12);
}

TEST(SegmentationLoss, GradientIsProbabilityMinusTargetOverValidPixels) {
  const auto logits = at::zeros({1, 2, 2, 2}, at::kDouble).requires_grad_();
  Enriched output;
  output.logits = logits;
  segmentation_loss(output, labels_of({1, 0, 255, 255}, 2)).main.backward();
  const auto expected =
      at::tensor({.25, -.25, 0., 0., -.25, .25, 0., 0.}, at::kDouble).reshape({1, 2, 2, 2});
  EXPECT_TRUE(at::allclose(logits.grad(), expected, 0, 1e-15)) << logits.grad();
}

// Sizes that differ, up and down, and odd steps.
TEST(SegmentationLoss, HasTheGradientOfBilinearResizing) {
  at::manual_seed(5);
  const auto labels = at::randint(0, 2, {2, 13, 13}, at::kLong);
  for (const auto& [height, width] : {std::pair{5, 4}, {1, 3}, {16, 31}}) {
    const auto logits = at::randn({2, 2, height, width}, at::kDouble).requires_grad_();
    const auto resized = at::upsample_bilinear2d(logits, {13, 13}, /*align_corners=*/true);
    const auto expected = at::cross_entropy_loss(resized, labels);
    expected.backward();
    const auto gradient = logits.grad().clone();
    logits.mutable_grad().zero_();
    Enriched output;
    output.logits = logits;
    const auto loss = segmentation_loss(output, labels);
    loss.main.backward();
    EXPECT_NEAR(loss.main.item<double>(), expected.item<double>(), 1e-12);
    EXPECT_TRUE(at::allclose(logits.grad(), gradient, 1e-10, 1e-12)) << height << " x " << width;
  }
}

TEST(SegmentationLoss, IsThatOfFullPrecisionUnderAutocast) {
  at::manual_seed(6);
  Enriched output;
  output.logits = at::randn({1, 2, 9, 9});
  const auto labels = at::randint(0, 2, {1, 33, 33}, at::kLong);
  const auto expected = segmentation_loss(output, labels).main;
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const auto loss = segmentation_loss(output, labels).main;
  at::autocast::set_autocast_enabled(at::kCPU, false);
  EXPECT_TRUE(at::equal(loss, expected));
}

TEST(SegmentationLoss, NoValidPixelGivesZeroAndZeroGradient) {
  const auto logits = at::randn({2, 2, 3, 3}).requires_grad_();
  const auto inner = at::randn({2, 2, 2, 2}).requires_grad_();
  Enriched output;
  output.logits = logits;
  output.inner = {inner};
  const auto loss = segmentation_loss(output, at::full({2, 5, 5}, 255, at::kLong));
  EXPECT_EQ(loss.main.item<float>(), 0);
  EXPECT_EQ(loss.auxiliary.item<float>(), 0);
  (loss.main + loss.auxiliary).backward();
  EXPECT_TRUE(at::equal(logits.grad(), at::zeros_like(logits)));
  EXPECT_TRUE(at::equal(inner.grad(), at::zeros_like(inner)));
}

TEST(SegmentationLoss, RefusesOtherLabels) {
  Enriched output;
  output.logits = at::zeros({1, 2, 2, 2});
  try {
    segmentation_loss(output, labels_of({0, 1, 17, 255}, 2));
    FAIL() << "label 17 was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidValue);
    EXPECT_NE(std::string(error.what()).find("17"), std::string::npos) << error.what();
  }
  EXPECT_THROW(segmentation_loss(output, labels_of({0, 1, -1, 255}, 2)), Error);
  EXPECT_THROW(segmentation_loss(output, at::zeros({2, 2, 2}, at::kLong)), Error);
  EXPECT_THROW(segmentation_loss(output, at::zeros({1, 2, 2}, at::kFloat)), Error);
  EXPECT_THROW(segmentation_loss(output, at::zeros({2, 2}, at::kLong)), Error);
}

}  // namespace
}  // namespace cdfss
