#include "model/prototype_allocation.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "cdfss/error.h"
#include "model/likeness.h"
#include "model/similarity_prior.h"

namespace cdfss {
namespace {

// Columns of a [2, n] matrix of prototypes.
at::Tensor columns(std::vector<float> x, std::vector<float> y) {
  return at::stack({at::tensor(x), at::tensor(y)});
}

// [B, 2 C, h, w]: a pixel's features and its prototype.
at::Tensor guide(const Allocation& allocation) {
  const at::Tensor allocated = allocation.prototypes.matmul(allocation.choice.flatten(2));
  return at::cat({allocation.query, allocated.view_as(allocation.query)}, 1);
}

// A query of two pixels: (2, 0) and (0, 3).
at::Tensor axes_query() { return at::tensor({2.0F, 0.0F, 0.0F, 3.0F}).view({1, 2, 1, 2}); }

TEST(PrototypeAllocation, GivesEachPixelItsNearestPrototype) {
  const Allocation allocation = allocate_prototypes(axes_query(), {columns({5, 0}, {0, 7})});
  const at::Tensor expected =
      at::tensor({2.0F, 0.0F, 0.0F, 3.0F, 5.0F, 0.0F, 0.0F, 7.0F}).view({1, 4, 1, 2});
  EXPECT_TRUE(at::allclose(guide(allocation), expected)) << guide(allocation);
}

TEST(PrototypeAllocation, ProbabilityIsTheSumOfCosines) {
  // Cosines of (2,0) with (1,0), (-1,0), (1,1): 1, -1, sqrt(.5).
  const Allocation allocation = allocate_prototypes(axes_query(), {columns({1, -1, 1}, {0, 0, 1})});
  EXPECT_NEAR(allocation.probability[0][0][0][0].item<float>(), 0.70710678F, 1e-6F);
  EXPECT_NEAR(allocation.probability[0][0][0][1].item<float>(), 0.70710678F, 1e-6F);
}

TEST(PrototypeAllocation, TiesGoToTheFirst) {
  const at::Tensor prototypes = columns({1, 2}, {0, 0});  // the same direction
  const Allocation allocation = allocate_prototypes(axes_query(), {prototypes});
  EXPECT_EQ(guide(allocation)[0][2][0][0].item<float>(), 1.0F);
}

TEST(PrototypeAllocation, OnePrototypeIsTiled) {
  const Allocation allocation =
      allocate_prototypes(at::randn({2, 3, 4, 4}), {at::ones({3, 1}), at::ones({3, 1})});
  EXPECT_TRUE(guide(allocation).slice(1, 3).eq(1).all().item<bool>());
}

// Both cosines of the second image are below 0, what stands for its missing one.
TEST(PrototypeAllocation, ImagesMayHaveDifferentNumbersOfPrototypes) {
  const at::Tensor query = axes_query().expand({2, 2, 1, 2});
  const at::Tensor three = columns({5, 0, 1}, {0, 7, 1}), one = columns({-1}, {-2});
  const Allocation both = allocate_prototypes(query, {three, one});
  const Allocation first = allocate_prototypes(axes_query(), {three});
  const Allocation second = allocate_prototypes(axes_query(), {one});
  EXPECT_TRUE(at::equal(guide(both), at::cat({guide(first), guide(second)})));
  EXPECT_TRUE(
      at::allclose(both.probability, at::cat({first.probability, second.probability}), 1e-6));
  EXPECT_TRUE(
      at::equal(guide(second).slice(1, 2).flatten(), at::tensor({-1.0F, -1.0F, -2.0F, -2.0F})));
}

TEST(PrototypeAllocation, RefusesOtherNumbersOfImages) {
  const at::Tensor one = at::ones({3, 1});
  EXPECT_THROW(allocate_prototypes(at::zeros({2, 3, 2, 2}), {one, one, one}), Error);
}

TEST(PrototypeAllocation, RefusesOtherChannels) {
  EXPECT_THROW(allocate_prototypes(at::zeros({1, 3, 2, 2}), {at::zeros({2, 1})}), Error);
  EXPECT_THROW(allocate_prototypes(at::zeros({1, 3, 2, 2}), {at::zeros({3, 0})}), Error);
}

TEST(SimilarityPrior, ClusterDirectionsFindTheRegionsTwoDirections) {
  at::Tensor features = at::zeros({2, 1, 5});
  features[0].slice(1, 0, 3).fill_(4.0);  // three pixels along x
  features[1].slice(1, 3, 5).fill_(9.0);  // two along y
  const at::Tensor directions = cluster_directions(features, at::ones({1, 5}), 2);
  ASSERT_EQ(directions.sizes(), (std::vector<std::int64_t>{2, 2}));
  const at::Tensor sorted = std::get<0>(directions.max(1));
  EXPECT_TRUE(at::allclose(sorted, at::ones({2}))) << directions;
}

TEST(SimilarityPrior, NoMoreDirectionsThanPixels) {
  at::Tensor mask = at::zeros({3, 3});
  mask[1][1] = 1;
  EXPECT_EQ(cluster_directions(at::randn({4, 3, 3}), mask, 5).size(1), 1);
  EXPECT_EQ(
      cluster_directions(at::randn({4, 3, 3}), at::zeros({3, 3}), 5).abs().sum().item<float>(),
      0.0F);
}

TEST(SimilarityPrior, MeansCarryGradient) {
  const at::Tensor features = at::randn({4, 3, 3}).requires_grad_();
  cluster_directions(features, at::ones({3, 3}), 2).sum().backward();
  EXPECT_GT(features.grad().abs().sum().item<float>(), 0.0F);
}

TEST(SimilarityPrior, TakesTheHighestCosineOfEachSide) {
  const at::Tensor prior =
      similarity_prior(axes_query(), columns({1, -1}, {0, 0}), columns({0}, {-1}));
  EXPECT_TRUE(
      at::allclose(prior, at::tensor({1.0F, 0.0F, 0.0F, -1.0F}).view({1, 2, 1, 2}), 1e-5, 1e-6))
      << prior;
}

TEST(Likeness, OfTwoPixelsByHand) {
  // Unit vectors: prototypes (1,0) and (0,1), object (.6,.8), background (-1,0) and (0,1).
  const at::Tensor units = columns({1, 0, .6, -1, 0}, {0, 1, .8, 0, 1});
  for (const auto format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    const at::Tensor query = axes_query().contiguous(format);
    const at::Tensor scores =
        units.t().matmul(query.flatten(2)).view({1, 5, 1, 2}).contiguous(format);
    const Likeness like = likeness(query, scores, {2, 1, 2});
    EXPECT_TRUE(at::equal(like.choice.flatten(), at::tensor({1.0F, 0.0F, 0.0F, 1.0F})));
    EXPECT_TRUE(
        at::allclose(like.similarity.flatten(), at::tensor({1.0F, 1.0F, .6F, .8F, 0.0F, 1.0F})));
    EXPECT_TRUE(at::allclose(like.margin.flatten(), at::tensor({.6F, -.2F})));
  }
}

// The two ways are different code.
TEST(Likeness, IsTheSameHoweverPixelsAreStored) {
  at::manual_seed(4);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    for (const DirectionCounts counts :
         {DirectionCounts{1, 0, 0}, {17, 0, 0}, {3, 1, 16}, {125, 37, 50}}) {
      const at::Tensor query = at::randn({1, 21, 3, 5}).to(type);
      const at::Tensor scores = at::randn({1, counts.all(), 3, 5}).to(type);
      const Likeness expected = likeness(query, scores, counts);
      const Likeness like = likeness(query.contiguous(at::MemoryFormat::ChannelsLast),
                                     scores.contiguous(at::MemoryFormat::ChannelsLast), counts);
      EXPECT_TRUE(at::equal(like.choice, expected.choice));
      EXPECT_EQ(like.similarity.scalar_type(), type);
      // Cosines are rounded to 8 bits in bfloat16.
      const double tolerance = type == at::kFloat ? 1e-5 : 1e-2;
      EXPECT_TRUE(at::allclose(like.similarity, expected.similarity, tolerance, 1e-4));
      ASSERT_EQ(like.margin.defined(), counts.object > 0);
      if (counts.object > 0) {
        EXPECT_TRUE(at::allclose(like.margin, expected.margin, tolerance, 1e-3));
      }
    }
  }
}

}  // namespace
}  // namespace cdfss
