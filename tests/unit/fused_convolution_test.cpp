#include "tensor/fused_convolution.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <cmath>

namespace cdfss {
namespace {

at::Tensor channels_last(const at::Tensor& x) {
  return x.contiguous(at::MemoryFormat::ChannelsLast);
}

// Largest difference.
double error(const at::Tensor& actual, const at::Tensor& expected) {
  return (actual.to(at::kFloat) - expected).abs().max().item<double>();
}

struct Shape {
  int in, out, kernel, stride, dilation;
};

class Shapes : public ::testing::TestWithParam<Shape> {};

// The sizes are met in turn, so that the weight is packed for each and again for the first.
TEST_P(Shapes, AreTheSeparateOperations) {
  const auto [in, out, kernel, stride, dilation] = GetParam();
  const at::NoGradGuard no_grad;
  const at::Tensor weight = at::randn({out, in, kernel, kernel});
  const at::Tensor bias = at::randn({out});
  const int padding = kernel / 2 * dilation;
  // A bfloat16 value is rounded by up to 2^-8 of itself, a half by 2^-11; without fusion, that
  // happens twice. On the CPU, half takes the way without oneDNN, which is CUDA's, too.
  for (const auto& [dtype, relative] :
       {std::pair{at::kFloat, 1e-5}, {at::kBFloat16, std::exp2(-7)}, {at::kHalf, std::exp2(-10)}}) {
    const FusedConvolution fused(weight.to(dtype), bias.to(dtype), {stride, padding, dilation});
    for (const int side : {9, 31, 1, 12, 20, 9}) {
      const at::Tensor x = channels_last(at::randn({2, in, side, side}));
      const at::Tensor plain =
          at::conv2d(x.to(dtype).to(at::kFloat), weight.to(dtype).to(at::kFloat),
                     bias.to(dtype).to(at::kFloat), {stride, stride}, {padding, padding},
                     {dilation, dilation});
      const double tolerance = relative * (plain.abs().max().item<double>() + 4);
      const at::Tensor other = channels_last(at::randn(plain.sizes()).to(dtype));
      EXPECT_LE(error(fused.apply(x, false), plain), tolerance) << side;
      EXPECT_LE(error(fused.apply(x, true), plain.relu()), tolerance) << side;
      const at::Tensor sum = plain + other.to(at::kFloat);
      EXPECT_LE(error(fused.add_to(other.clone(), x, false), sum), tolerance) << side;
      const at::Tensor written = other.clone();
      EXPECT_LE(error(fused.add_to(written, x, true), sum.relu()), tolerance) << side;
      EXPECT_LE(error(written, sum.relu()), tolerance) << "in place, " << side;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Shapes,
                         ::testing::Values(Shape{3, 64, 7, 2, 1}, Shape{64, 256, 1, 1, 1},
                                           Shape{32, 32, 3, 1, 2}, Shape{8, 16, 1, 2, 1},
                                           Shape{5, 3, 3, 2, 1}, Shape{256, 1, 1, 1, 1}));

TEST(FusedConvolution, WritesIntoOneImageOfABatch) {
  const at::NoGradGuard no_grad;
  const at::Tensor weight = at::ones({2, 1, 1, 1});
  const FusedConvolution fused(weight, {});
  const at::Tensor batch = channels_last(at::full({3, 2, 4, 4}, -2.0F));
  fused.add_to(batch.narrow(0, 1, 1), at::full({1, 1, 4, 4}, 5.0F), true);
  EXPECT_TRUE(batch[0].eq(-2).all().item<bool>());
  EXPECT_TRUE(batch[1].eq(3).all().item<bool>());
  EXPECT_TRUE(batch[2].eq(-2).all().item<bool>());
}

}  // namespace
}  // namespace cdfss
