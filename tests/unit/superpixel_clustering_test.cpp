#include "model/superpixel_clustering.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cdfss/error.h"

namespace cdfss {
namespace {

at::Tensor seeds(std::vector<std::int64_t> values) {
  return at::tensor(values, at::kLong).view({-1, 2});
}

TEST(MaskedAverage, IsTheMeanUpToTheReleasedEpsilon) {
  const at::Tensor features = at::arange(8, at::kFloat).view({2, 2, 2});
  const at::Tensor mask = at::tensor({1.0F, 0.0F, 0.0F, 1.0F}).view({2, 2});
  const at::Tensor average = masked_average(features, mask);  // (0 + 3) / 2.0005, (4 + 7) / 2.0005
  ASSERT_EQ(average.sizes(), (std::vector<std::int64_t>{2, 1}));
  EXPECT_NEAR(average[0][0].item<float>(), 3.0F / 2.0005F, 1e-6F);
  EXPECT_NEAR(average[1][0].item<float>(), 11.0F / 2.0005F, 1e-6F);
}

TEST(MaskedAverage, EmptyMaskGivesZeros) {
  const at::Tensor average = masked_average(at::ones({3, 4, 4}), at::zeros({4, 4}));
  EXPECT_EQ(average.abs().sum().item<float>(), 0.0F);
}

TEST(SuperpixelClustering, OneSeedIsTheMaskedAverage) {
  const at::Tensor features = at::randn({4, 5, 5});
  const at::Tensor mask = at::ones({5, 5});
  EXPECT_TRUE(at::equal(superpixel_prototypes(features, mask, seeds({2, 2}), 5),
                        masked_average(features, mask)));
}

// Two flat halves far apart: each centre averages its own half, since exp(-100) is nothing
// beside 1.
TEST(SuperpixelClustering, SeparatesTwoFlatHalves) {
  at::Tensor features = at::zeros({1, 2, 4});
  features.slice(2, 2, 4).fill_(100.0);
  const at::Tensor prototypes =
      superpixel_prototypes(features, at::ones({2, 4}), seeds({0, 0, 1, 3}), 5);
  ASSERT_EQ(prototypes.sizes(), (std::vector<std::int64_t>{1, 2}));
  EXPECT_NEAR(prototypes[0][0].item<float>(), 0.0F, 1e-4F);
  EXPECT_NEAR(prototypes[0][1].item<float>(), 100.0F, 1e-4F);
}

// One iteration by hand: pixels 0 and 1 of a 1 x 2 image, both seeds on pixel 0. Distance to itself
// 0, to pixel 1 sqrt(1 + 1/100); softmax over PIXELS gives the same centre for both seeds.
TEST(SuperpixelClustering, NormalisesOverPixels) {
  const at::Tensor features = at::tensor({0.0F, 1.0F}).view({1, 1, 2});
  const at::Tensor prototypes =
      superpixel_prototypes(features, at::ones({1, 2}), seeds({0, 0, 0, 0}), 1);
  const float other = std::exp(-std::sqrt(1.01F));
  EXPECT_NEAR(prototypes[0][0].item<float>(), other / (1.0F + other), 1e-6F);
  EXPECT_NEAR(prototypes[0][1].item<float>(), other / (1.0F + other), 1e-6F);
}

// The released exp(-d) underflows past about 103; the softmax must not.
TEST(SuperpixelClustering, SurvivesDistancesThatUnderflow) {
  at::Tensor features = at::zeros({1, 1, 3});
  features[0][0][1] = 1e4;
  features[0][0][2] = 2e4;
  const at::Tensor mask = at::tensor({0.0F, 1.0F, 1.0F}).view({1, 3});
  const at::Tensor prototypes = superpixel_prototypes(features, mask, seeds({0, 0, 0, 0}), 5);
  EXPECT_TRUE(at::isfinite(prototypes).all().item<bool>());
}

// A centre starts on a pixel: at distance 0, where a plain root has an infinite slope.
TEST(SuperpixelClustering, HasAFiniteGradient) {
  const at::Tensor features = at::randn({4, 5, 5}).requires_grad_();
  superpixel_prototypes(features, at::ones({5, 5}), seeds({0, 0, 4, 4}), 2).sum().backward();
  EXPECT_TRUE(at::isfinite(features.grad()).all().item<bool>());
  EXPECT_GT(features.grad().abs().sum().item<double>(), 0);
}

TEST(SuperpixelClustering, NamesShapesThatDoNotFit) {
  try {
    superpixel_prototypes(at::zeros({4, 5, 5}), at::zeros({4, 5}), seeds({0, 0}), 5);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidValue);
    EXPECT_NE(std::string(e.what()).find("[4, 5]"), std::string::npos) << e.what();
  }
}

TEST(SubsampleMask, TakesEveryEighthPixel) {
  const at::Tensor mask = at::arange(17 * 17).view({17, 17});
  const at::Tensor small = subsample_mask(mask);
  ASSERT_EQ(small.sizes(), (std::vector<std::int64_t>{3, 3}));
  EXPECT_EQ(small[1][2].item<std::int64_t>(), 8 * 17 + 16);
}

TEST(SupportLabel, KeepsAnObjectBetweenTheSamples) {
  at::Tensor label = at::zeros({41, 41}, at::kByte);
  label[11][12] = 1;
  EXPECT_EQ(subsample_mask(label).eq(1).sum().item<std::int64_t>(), 0);
  EXPECT_GE(support_label(label).eq(1).sum().item<std::int64_t>(), 1);
  label[16][16] = 1;  // now a sample sees the object
  EXPECT_TRUE(at::equal(support_label(label), subsample_mask(label)));
}

}  // namespace
}  // namespace cdfss
