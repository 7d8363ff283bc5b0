#include "loss/contrastive.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cdfss/error.h"

namespace cdfss {
namespace {

TEST(AverageByClass, MeansInOrderOfFirstAppearance) {
  const auto prototypes = at::tensor({1., 2., 10., 20., 3., 4.}).reshape({3, 2});
  const auto averages = average_by_class(prototypes, {7, 2, 7});
  EXPECT_TRUE(at::equal(averages, at::tensor({2., 3., 10., 20.}).reshape({2, 2}))) << averages;
}

TEST(AverageByClass, SharesTheGradientAmongTheRowsOfAClass) {
  const auto prototypes = at::ones({3, 2}, at::kDouble).requires_grad_();
  average_by_class(prototypes, {7, 2, 7}).sum().backward();
  EXPECT_TRUE(at::equal(prototypes.grad().select(1, 0), at::tensor({.5, 1., .5}, at::kDouble)));
}

TEST(AverageByClass, RefusesAnotherNumberOfIds) {
  EXPECT_THROW(average_by_class(at::ones({3, 2}), {1, 2}), Error);
  EXPECT_THROW(average_by_class(at::ones({0, 2}), {}), Error);
  EXPECT_THROW(average_by_class(at::ones({2}), {1, 2}), Error);
}

TEST(ContrastiveLoss, TwoOrthogonalCategories) {
  // Every positive has similarity 1, every negative 0: -log(e / (e + 2)) each, over 2 |B|.
  const auto prototypes = at::eye(2, at::kDouble);
  EXPECT_NEAR(contrastive_loss(prototypes, prototypes).item<double>(),
              .5 * std::log(1 + 2 * std::exp(-1.)), 1e-12);
  // At temperature .1 the similarities are 10 and 0.
  EXPECT_NEAR(contrastive_loss(prototypes, prototypes, .1).item<double>(),
              .5 * std::log(1 + 2 * std::exp(-10.)), 1e-12);
}

TEST(ContrastiveLoss, IdenticalPrototypesAreAsGoodAsChance) {
  const auto prototypes = at::ones({3, 4}, at::kDouble);
  // One positive among 1 + 2 * 2 equal candidates.
  EXPECT_NEAR(contrastive_loss(prototypes, prototypes).item<double>(), .5 * std::log(5.), 1e-12);
}

TEST(ContrastiveLoss, NegativesComeFromBothViewsOfOtherCategoriesOnly) {
  // Anchors (1,0), (0,1); positives (1,0), (1,0). Anchor 0: positive 1, negatives 0 (other anchor)
  // and 1 (other positive). Anchor 1: positive 0, negatives 0 and 0.
  const auto anchors = at::eye(2, at::kDouble);
  const auto positives = at::tensor({1., 0., 1., 0.}, at::kDouble).reshape({2, 2});
  const double e = std::exp(1.);
  const double expected = -.25 * (std::log(e / (2 * e + 1)) + std::log(1. / 3));
  EXPECT_NEAR(contrastive_loss(anchors, positives).item<double>(), expected, 1e-12);
  // Scale does not matter: the similarity is a cosine.
  EXPECT_NEAR(contrastive_loss(5 * anchors, .1 * positives).item<double>(), expected, 1e-12);
}

TEST(ContrastiveLoss, FloorOfTheLiteralTemperature) {
  // The best similarities there are: 1 for the positive, -1 for every negative, which only two
  // categories can reach: .5 ln(1 + 2 e^-2).
  const auto opposite = at::tensor({1., -1.}, at::kDouble).reshape({2, 1});
  EXPECT_NEAR(contrastive_loss(opposite, opposite).item<double>(),
              .5 * std::log(1 + 2 * std::exp(-2.)), 1e-12);
  // One of twelve opposite to the eleven others, which are alike: its term is the floor's.
  auto twelve = at::full({12, 1}, -1., at::kDouble);
  twelve[0] = 1;
  const double floor = .5 * std::log(1 + 22 * std::exp(-2.));
  EXPECT_NEAR(floor, .69, .001);
  const double others = .5 * std::log(21 + 2 * std::exp(-2.));
  EXPECT_NEAR(contrastive_loss(twelve, twelve).item<double>(), (floor + 11 * others) / 12, 1e-12);
}

TEST(ContrastiveLoss, GradientPullsPositivesAndPushesNegatives) {
  const auto anchors = at::eye(2, at::kDouble);
  const auto positives = at::ones({2, 2}, at::kDouble).requires_grad_();
  contrastive_loss(anchors, positives).backward();
  const auto grad = positives.grad();
  // A step against the gradient turns positive i towards anchor i and away from the other.
  EXPECT_LT(grad[0][0].item<double>(), 0);
  EXPECT_GT(grad[0][1].item<double>(), 0);
  EXPECT_GT(grad[1][0].item<double>(), 0);
  EXPECT_LT(grad[1][1].item<double>(), 0);

  const auto leaf = at::rand({4, 8}, at::kDouble).requires_grad_();
  const auto other = at::rand({4, 8}, at::kDouble);
  const auto before = contrastive_loss(leaf, other);
  before.backward();
  const auto after = contrastive_loss((leaf - .1 * leaf.grad()).detach(), other);
  EXPECT_LT(after.item<double>(), before.item<double>());
}

TEST(ContrastiveLoss, StableAtSmallTemperature) {
  const auto anchors = at::eye(3).requires_grad_();
  const auto loss = contrastive_loss(anchors, at::eye(3), 1e-4);
  loss.backward();
  EXPECT_EQ(loss.item<float>(), 0);
  EXPECT_TRUE(at::isfinite(anchors.grad()).all().item<bool>());
}

TEST(ContrastiveLoss, AZeroPrototypeIsUnlikeEverything) {
  const auto anchors = at::tensor({0., 0., 0., 1.}, at::kDouble).reshape({2, 2}).requires_grad_();
  const auto loss = contrastive_loss(anchors, at::eye(2, at::kDouble));
  loss.backward();
  EXPECT_NEAR(loss.item<double>(), .25 * (std::log(3.) + std::log(1 + 2 * std::exp(-1.))), 1e-12);
  EXPECT_TRUE(at::isfinite(anchors.grad()).all().item<bool>());
}

TEST(ContrastiveLoss, FewerThanTwoCategoriesGiveZeroWithoutGradient) {
  for (const int64_t categories : {0, 1}) {
    const auto prototypes = at::ones({categories, 4}).requires_grad_();
    const auto loss = contrastive_loss(prototypes, prototypes);
    EXPECT_EQ(loss.item<float>(), 0);
    EXPECT_FALSE(loss.requires_grad());
  }
}

TEST(ContrastiveLoss, RefusesWhatDoesNotFit) {
  EXPECT_THROW(contrastive_loss(at::ones({3, 4}), at::ones({2, 4})), Error);
  EXPECT_THROW(contrastive_loss(at::ones({3}), at::ones({3})), Error);
  EXPECT_THROW(contrastive_loss(at::ones({3, 4}), at::ones({3, 4}), 0), Error);
  EXPECT_THROW(contrastive_loss(at::ones({3, 4}), at::ones({3, 4}), -1), Error);
  EXPECT_THROW(contrastive_loss(at::ones({3, 4}), at::ones({3, 4}), std::nan("")), Error);
}

}  // namespace
}  // namespace cdfss
