#include "tensor/fused_convolution.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <tuple>
#include <utility>
#include <vector>

#include "tensor/tiled_convolution.h"

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
    const FusedConvolution fused(weight, bias, dtype, {stride, padding, dilation});
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
  const FusedConvolution fused(weight, {}, at::kFloat);
  const at::Tensor batch = channels_last(at::full({3, 2, 4, 4}, -2.0F));
  fused.add_to(batch.narrow(0, 1, 1), at::full({1, 1, 4, 4}, 5.0F), true);
  EXPECT_TRUE(batch[0].eq(-2).all().item<bool>());
  EXPECT_TRUE(batch[1].eq(3).all().item<bool>());
  EXPECT_TRUE(batch[2].eq(-2).all().item<bool>());
}

// Root mean square of the difference by that of what is expected.
double relative_error(const at::Tensor& actual, const at::Tensor& expected) {
  const at::Tensor difference = actual.to(at::kDouble) - expected;
  return (difference.square().mean() / expected.square().mean()).sqrt().item<double>();
}

// Batches and images whose tiles do not end with a block, nor pixels with a tile.
TEST(TiledConvolution, IsTheDirectSumUpToRounding) {
  const at::NoGradGuard no_grad;
  for (const auto& [dtype, in, out] : {std::tuple{at::kFloat, 64, 96}, {at::kBFloat16, 256, 272}}) {
    const at::Tensor weight = at::randn({out, in, 3, 3}) / std::sqrt(9.0 * in);
    const at::Tensor bias = at::randn({out});
    for (const int dilation : {1, 2, 3}) {
      const ConvolutionGeometry geometry{.padding = dilation, .dilation = dilation};
      ConvolutionGeometry direct = geometry;
      direct.direct = true;
      ASSERT_TRUE(TiledConvolution::is_faster(weight, dtype, geometry));
      const TiledConvolution tiled(weight, bias, dtype, geometry);
      const FusedConvolution plain(weight, bias, dtype, direct);
      for (const auto& [count, height, width] :
           {std::tuple{1, 53, 50}, {3, 29, 31}, {2, 5, 1}, {1, 60, 60}, {3, 29, 31}}) {
        const at::Tensor x = channels_last(at::randn({count, in, height, width}).to(dtype));
        const at::Tensor sum = at::conv2d(x.to(at::kDouble), weight.to(at::kDouble),
                                          bias.to(at::kDouble), 1, dilation, dilation);
        const double limit =
            dtype == at::kFloat ? 5e-6 : 3 * relative_error(plain.apply(x, false), sum);
        EXPECT_LT(relative_error(tiled.apply(x, false), sum), limit) << dilation << ' ' << height;
        EXPECT_LT(relative_error(tiled.apply(x, true), sum.relu()), limit)
            << dilation << ' ' << height;
      }
    }
  }
}

TEST(TiledConvolution, ComputesSomePixelsAsAll) {
  const at::NoGradGuard no_grad;
  for (const auto& [dtype, channels] : {std::pair{at::kFloat, 64}, {at::kBFloat16, 256}}) {
    const at::Tensor weight = at::randn({channels, channels, 3, 3});
    const at::Tensor x = channels_last(at::randn({2, channels, 29, 31}).to(dtype));
    for (const int dilation : {1, 2}) {
      const FusedConvolution fused(weight, at::randn({channels}), dtype,
                                   {.padding = dilation, .dilation = dilation});
      const at::Tensor all = fused.apply(x, true);
      for (const double share : {0.0, 0.01, 0.2, 1.0}) {
        const at::Tensor mask = at::rand({2, 29, 31}).lt(share);
        const at::Tensor where = mask.unsqueeze(1);
        EXPECT_TRUE(
            at::equal(fused.apply_in(mask, x, true).masked_select(where), all.masked_select(where)))
            << dilation << ' ' << share;
      }
    }
  }
}

TEST(TiledConvolution, TakesNoImages) {
  const at::NoGradGuard no_grad;
  const TiledConvolution tiled(at::randn({64, 64, 3, 3}), {}, at::kFloat, {.padding = 1});
  EXPECT_EQ(tiled.apply(at::empty({0, 64, 20, 20}), true).sizes(),
            (std::vector<std::int64_t>{0, 64, 20, 20}));
}

TEST(TiledConvolution, ComputesWhatAFusedOneDoesNotDoDirectly) {
  const at::NoGradGuard no_grad;
  const at::Tensor weight = at::randn({64, 64, 3, 3}), bias = at::randn({64});
  const at::Tensor x = channels_last(at::randn({1, 64, 20, 20}));
  const ConvolutionGeometry same{.padding = 1};
  const at::Tensor tiled = TiledConvolution(weight, bias, at::kFloat, same).apply(x, true);
  const FusedConvolution fused(weight, bias, at::kFloat, same);
  const FusedConvolution direct(weight, bias, at::kFloat, {.padding = 1, .direct = true});
  EXPECT_EQ(at::equal(fused.apply(x, true), tiled), at::hasMKLDNN());
  EXPECT_FALSE(at::equal(direct.apply(x, true), tiled));
  const at::Tensor other = channels_last(at::randn({1, 64, 20, 20}));
  const at::Tensor sum = (fused.apply(x, false) + other).relu();
  EXPECT_TRUE(at::equal(fused.add_to(other.clone(), x, true), sum));
}

TEST(TiledConvolution, IsNotFasterForOtherGeometriesAndFewChannels) {
  const ConvolutionGeometry same{.padding = 1};
  const auto is_faster = [](int out, int in, int kernel, at::ScalarType dtype,
                            const ConvolutionGeometry& geometry) {
    return TiledConvolution::is_faster(at::empty({out, in, kernel, kernel}), dtype, geometry);
  };
  EXPECT_TRUE(is_faster(64, 64, 3, at::kFloat, same));
  EXPECT_TRUE(is_faster(128, 128, 3, at::kBFloat16, same));
  EXPECT_FALSE(is_faster(64, 64, 3, at::kBFloat16, same));
  EXPECT_FALSE(is_faster(64, 32, 3, at::kFloat, same));
  EXPECT_FALSE(is_faster(64, 72, 3, at::kFloat, same));  // not a multiple of 16
  EXPECT_FALSE(is_faster(256, 256, 3, at::kHalf, same));
  EXPECT_FALSE(is_faster(64, 64, 1, at::kFloat, {}));
  EXPECT_FALSE(is_faster(64, 64, 3, at::kFloat, {.stride = 2, .padding = 1}));
  EXPECT_FALSE(is_faster(64, 64, 3, at::kFloat, {.padding = 0}));
  EXPECT_FALSE(is_faster(64, 64, 3, at::kFloat, {.padding = 1, .groups = 2}));
}

}  // namespace
}  // namespace cdfss
