#include "model/style.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cdfss/error.h"

namespace cdfss {
namespace {

TEST(StyleOf, MeanAndBiasedStandardDeviation) {
  const auto features = at::tensor({1, 3, 5, 5}, at::kDouble).reshape({1, 2, 1, 2});
  const Style style = style_of(features);
  const auto deviations = at::tensor({std::sqrt(1 + 1e-6), 1e-3}, at::kDouble).unsqueeze(0);
  EXPECT_TRUE(at::equal(style.mean, at::tensor({2, 5}, at::kDouble).unsqueeze(0)));
  ASSERT_EQ(style.std.sizes(), deviations.sizes());
  EXPECT_TRUE(at::allclose(style.std, deviations, 0, 1e-12)) << style.std;
}

TEST(StyleOf, HasNoGradientAndIsFloatForHalfPrecision) {
  const auto features = at::rand({2, 3, 4, 4}).requires_grad_();
  EXPECT_FALSE(style_of(features).mean.requires_grad());
  EXPECT_FALSE(style_of(features).std.requires_grad());
  const auto style = style_of(features.detach().to(at::kBFloat16));
  EXPECT_EQ(style.std.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::allclose(style.mean, style_of(features).mean, 0, .01));
}

// A mean far from 0 would drown the deviation in E[x^2] - E[x]^2.
TEST(StyleOf, IsExactForEveryLayoutAndType) {
  const auto exact = at::randn({3, 7, 31, 37}, at::kDouble) * .1 + 20;
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const auto features = exact.to(dtype);
    const Style expected = style_of(features.to(at::kDouble));
    for (const auto& x : {features, features.contiguous(at::MemoryFormat::ChannelsLast)}) {
      const Style style = style_of(x);
      EXPECT_EQ(style.mean.scalar_type(), at::kFloat);
      EXPECT_TRUE(at::allclose(style.mean.to(at::kDouble), expected.mean, 1e-6, 0)) << dtype;
      EXPECT_TRUE(at::allclose(style.std.to(at::kDouble), expected.std, 1e-4, 0)) << dtype;
    }
  }
}

TEST(StyleOf, DoesNotDependOnTheNumberOfThreads) {
  const auto features = at::rand({1, 6, 40, 40}).contiguous(at::MemoryFormat::ChannelsLast);
  const int threads = at::get_num_threads();
  const Style style = style_of(features);
  at::set_num_threads(1);
  const Style alone = style_of(features);
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(style.mean, alone.mean));
  EXPECT_TRUE(at::equal(style.std, alone.std));
}

TEST(StyleOf, RefusesOtherShapes) {
  EXPECT_THROW(style_of(at::rand({2, 3, 4})), Error);
  EXPECT_THROW(style_of(at::rand({2, 3, 0, 4})), Error);
}

}  // namespace
}  // namespace cdfss
