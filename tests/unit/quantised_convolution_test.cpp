#include "tensor/quantised_convolution.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "tensor/convolution_chain.h"

namespace cdfss {
namespace {

struct Shape {
  int in, out, kernel, stride, dilation;
};

QuantisedTensor random_bytes(std::vector<std::int64_t> sizes, ByteScale scale) {
  return {at::randint(0, 256, sizes, at::kByte).contiguous(at::MemoryFormat::ChannelsLast), scale};
}

at::Tensor numbers(const QuantisedTensor& x) { return dequantise(x, at::kDouble); }

double error(const at::Tensor& actual, const at::Tensor& expected) {
  return (actual.to(at::kDouble) - expected).abs().max().item<double>();
}

class QuantisedShapes : public ::testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    if (!QuantisedConvolution::available()) GTEST_SKIP() << "no int8 on this CPU or LibTorch";
  }
};

// Against double precision on what the bytes stand for: only weights are rounded differently, so
// they are made to be bytes times their scale. The sizes are met in turn, so that the weight is
// packed for each and again for the first.
TEST_P(QuantisedShapes, AreConvolutionsOfWhatTheBytesStandFor) {
  const auto [in, out, kernel, stride, dilation] = GetParam();
  const at::NoGradGuard no_grad;
  const at::Tensor scales = at::rand({out, 1, 1, 1}) * 0.01 + 0.001;
  at::Tensor steps = at::randint(-127, 128, {out, in, kernel, kernel}).to(at::kFloat);
  steps.select(1, 0).select(1, 0).select(1, 0).fill_(127);  // so that the scale is found
  const at::Tensor weight = steps * scales, bias = at::randn({out});
  const int padding = kernel / 2 * dilation;
  const QuantisedConvolution convolution(weight, bias, {stride, padding, dilation}, 0);
  for (const std::int64_t zero : {0, 100}) {
    for (const int side : {9, 31, 12, 20, 9}) {
      const QuantisedTensor x = random_bytes({2, in, side, side}, {.scale = 0.02, .zero = zero});
      const at::Tensor exact =
          at::conv2d(numbers(x), weight.to(at::kDouble), bias.to(at::kDouble), {stride, stride},
                     {padding, padding}, {dilation, dilation});
      const double rounding = 1e-5 * (exact.abs().max().item<double>() + 1);
      EXPECT_LE(error(convolution.apply(x, false, at::kFloat), exact), rounding);
      EXPECT_LE(error(convolution.apply(x, true, at::kFloat), exact.relu()), rounding);
      EXPECT_LE(error(convolution.apply(x, false, at::kBFloat16), exact), 1000 * rounding);
      const at::Tensor other = at::randn(exact.sizes()).contiguous(at::MemoryFormat::ChannelsLast);
      EXPECT_LE(
          error(convolution.add_to(other.clone(), x, true), (other.to(at::kDouble) + exact).relu()),
          2 * rounding);

      ActivationRanges ranges(1);
      const QuantisedTensor learnt = convolution.apply(x, false, ranges);
      ranges.finish();
      const QuantisedTensor again = convolution.apply(x, false, ranges);
      const double step = ranges.scale(0).scale;
      EXPECT_LE(error(numbers(learnt), exact), 1.01 * step + rounding);
      EXPECT_LE(error(numbers(again), exact), 1.01 * step + rounding);

      const QuantisedTensor sum = random_bytes(exact.sizes().vec(), {.scale = 0.05, .zero = 128});
      const QuantisedTensor copy{sum.bytes.clone(), sum.scale};  // which may be written to
      const at::Tensor both = (numbers(sum) + exact).relu();
      ActivationRanges of_sum(1);
      EXPECT_LE(error(numbers(convolution.add_to(copy, x, of_sum)), both),
                1.01 * of_sum.scale(0).scale + 2 * rounding);
      of_sum.finish();
      EXPECT_LE(error(numbers(convolution.add_to(sum, x, of_sum)), both),
                1.01 * of_sum.scale(0).scale + 2 * rounding);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, QuantisedShapes,
                         ::testing::Values(Shape{64, 256, 1, 1, 1}, Shape{32, 32, 3, 1, 2},
                                           Shape{64, 128, 1, 2, 1}, Shape{32, 64, 3, 2, 1},
                                           Shape{256, 256, 3, 1, 1}));

TEST(QuantisedConvolution, ARowOfZerosIsZero) {
  if (!QuantisedConvolution::available()) GTEST_SKIP() << "no int8 on this CPU or LibTorch";
  const at::NoGradGuard no_grad;
  at::Tensor weight = at::randn({32, 32, 1, 1});
  weight[3].zero_();
  const QuantisedConvolution convolution(weight, {});
  const at::Tensor y =
      convolution.apply(random_bytes({1, 32, 6, 6}, {.scale = 0.1, .zero = 0}), false, at::kFloat);
  EXPECT_TRUE(y.select(1, 3).eq(0).all().item<bool>());
  EXPECT_TRUE(y.isfinite().all().item<bool>());
}

TEST(ConvolutionChain, In8BitsIsNearFloats) {
  if (!QuantisedConvolution::available()) GTEST_SKIP() << "no int8 on this CPU or LibTorch";
  const at::NoGradGuard no_grad;
  const std::vector<at::Tensor> weights{at::randn({64, 64, 3, 3}) / 24,
                                        at::randn({64, 64, 3, 3}) / 24};
  int places = 5;
  const ConvolutionChain exact(weights, at::kFloat, nullptr);
  const ConvolutionChain quantised(weights, at::kFloat, &places);
  EXPECT_EQ(places, 7);  // its input, and what is between the two
  ActivationRanges ranges(places);
  const at::Tensor x =
      at::randn({2, 64, 12, 12}).relu_().contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor expected = exact.apply(x, nullptr);
  const double largest = expected.abs().max().item<double>();
  EXPECT_LE(error(quantised.apply(x, &ranges), expected.to(at::kDouble)), 0.03 * largest);
  ranges.finish();
  const at::Tensor y = quantised.apply(x, &ranges);
  EXPECT_LE(error(y, expected.to(at::kDouble)), 0.03 * largest);
  EXPECT_GT(error(y, expected.to(at::kDouble)), 0);  // it is not floats
}

}  // namespace
}  // namespace cdfss
