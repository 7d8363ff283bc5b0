#include "tensor/activation_ranges.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

namespace cdfss {
namespace {

// One value a pixel, [1, 1, 1, n].
at::Tensor values(const std::vector<float>& numbers) {
  return at::tensor(numbers).view({1, 1, 1, -1});
}

std::vector<int> bytes_of(const QuantisedTensor& x) {
  const at::Tensor flat = x.bytes.flatten().to(at::kInt);
  return {flat.const_data_ptr<int>(), flat.const_data_ptr<int>() + flat.numel()};
}

TEST(ActivationRanges, ScaleHoldsWhatWasSeen) {
  ActivationRanges ranges(3);
  ranges.widen(0, values({0.5F, 2.55F}));
  ranges.widen(1, values({-1.0F, 4.1F}));
  EXPECT_DOUBLE_EQ(ranges.scale(0).scale, 2.55F / 255.0);
  EXPECT_EQ(ranges.scale(0).zero, 0);  // 0 is in every range
  EXPECT_NEAR(ranges.scale(1).scale, 5.1 / 255, 1e-8);
  EXPECT_EQ(ranges.scale(1).zero, 50);
  EXPECT_EQ(ranges.scale(2).scale, 1.0);  // saw nothing
  ranges.widen(0, values({-2.55F, 1.0F}));
  EXPECT_NEAR(ranges.scale(0).scale, 5.1 / 255, 1e-8);
  EXPECT_EQ(ranges.scale(0).zero, 128);
}

TEST(ActivationRanges, RoundsToTheNearestAndClips) {
  const float infinity = std::numeric_limits<float>::infinity();
  const at::Tensor x = values({-20.0F, -0.26F, -0.24F, 0.0F, 0.24F, 0.26F, 77.4F, 200.0F, infinity,
                               -infinity, std::numeric_limits<float>::quiet_NaN()});
  const QuantisedTensor quantised = quantise(x, {.scale = 0.5, .zero = 10});
  EXPECT_EQ(bytes_of(quantised), (std::vector<int>{0, 9, 10, 10, 10, 11, 165, 255, 255, 0, 0}));
  const at::Tensor back = dequantise(quantised, at::kFloat);
  EXPECT_FLOAT_EQ(back[0][0][0][1].item<float>(), -0.5F);
  EXPECT_FLOAT_EQ(back[0][0][0][3].item<float>(), 0.0F);
}

// Longer than a block, in both types, from a tensor that is not channels-last.
TEST(ActivationRanges, IsWithinAStep) {
  const at::Tensor x = at::randn({2, 5, 37, 41});
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    ActivationRanges ranges(1);
    const QuantisedTensor quantised = quantise(x.to(dtype), ranges, 0);
    EXPECT_TRUE(quantised.bytes.is_contiguous(at::MemoryFormat::ChannelsLast));
    const double worst =
        (dequantise(quantised, at::kFloat) - x.to(dtype).to(at::kFloat)).abs().max().item<double>();
    // The zero is rounded, too, which moves the ends of the range by up to half a step.
    EXPECT_LE(worst, quantised.scale.scale * 1.001);
    EXPECT_GE(worst, quantised.scale.scale * 0.4);
  }
}

TEST(ActivationRanges, LearnsUntilFinished) {
  ActivationRanges ranges(1);
  quantise(values({3.0F}), ranges, 0);
  quantise(values({5.1F}), ranges, 0);
  ranges.finish();
  EXPECT_FALSE(ranges.learning());
  const QuantisedTensor clipped = quantise(values({100.0F, 5.1F, 0.02F}), ranges, 0);
  EXPECT_EQ(bytes_of(clipped), (std::vector<int>{255, 255, 1}));
}

}  // namespace
}  // namespace cdfss
