#include "tensor/winograd_convolution.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/function.h>
#include <torch/utils.h>

#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <utility>

namespace cdfss {
namespace {

// Root mean square of the difference by that of what is expected.
double error(const at::Tensor& actual, const at::Tensor& expected) {
  const at::Tensor difference = actual.detach().to(at::kDouble) - expected;
  return (difference.square().mean() / expected.square().mean()).sqrt().item<double>();
}

bool filtered(const at::Tensor& y) {
  return y.grad_fn() && y.grad_fn()->name().find("Conv3x3Relu") != std::string::npos;
}

struct Errors {
  double value, of_images, of_weight;
};

using Function = at::Tensor (*)(const at::Tensor&, const at::Tensor&);

// Of `function` with x as its input, beside the direct sum in double of the same x and weight.
// Where the ReLU's slope changes is taken from its own output: rounding may move that.
Errors errors(Function function, const at::Tensor& x, const at::Tensor& weight) {
  const at::Tensor images = x.detach().requires_grad_();
  const at::Tensor kernels = weight.detach().requires_grad_();
  const at::Tensor y = function(images, kernels);
  const at::Tensor gradient = at::randn_like(y);
  y.backward(gradient);

  const at::Tensor exact_images = x.detach().to(at::kDouble).requires_grad_();
  const at::Tensor exact_kernels = weight.detach().to(at::kDouble).requires_grad_();
  const at::Tensor exact = at::conv2d(exact_images, exact_kernels, {}, 1, 1);
  exact.backward(gradient.to(at::kDouble) * y.gt(0));
  return {error(y, exact.detach().clamp_min(0)), error(images.grad(), exact_images.grad()),
          error(kernels.grad(), exact_kernels.grad())};
}

at::Tensor direct(const at::Tensor& x, const at::Tensor& weight) {
  return at::relu(at::conv2d(x, weight.to(x.scalar_type()), {}, 1, 1));
}

// images, in, out, height, width
class WinogradShapes : public ::testing::TestWithParam<std::tuple<int, int, int, int, int>> {
 protected:
  void SetUp() override {
    at::manual_seed(7);
    const auto [count, in, out, height, width] = GetParam();
    x = at::relu(at::randn({count, in, height, width}));
    weight = at::randn({out, in, 3, 3}) / std::sqrt(9.0 * in);
  }
  at::Tensor x, weight;
};

TEST_P(WinogradShapes, AreTheDirectSumInFloat32) {
  for (const auto layout : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    const Errors found = errors(conv3x3_relu, x.contiguous(layout), weight.contiguous(layout));
    EXPECT_LT(found.value, 5e-6);
    EXPECT_LT(found.of_images, 5e-6);
    EXPECT_LT(found.of_weight, 5e-6);
  }
}

TEST_P(WinogradShapes, AreTheDirectSumInBfloat16UpToRounding) {
  const at::Tensor half = x.to(at::kBFloat16);
  const Errors found = errors(conv3x3_relu, half, weight);
  const Errors plain = errors(direct, half, weight);
  EXPECT_LT(found.value, 3 * plain.value);
  EXPECT_LT(found.of_images, 3 * plain.of_images);
  EXPECT_LT(found.of_weight, 3 * plain.of_weight);
}

INSTANTIATE_TEST_SUITE_P(Convolution, WinogradShapes,
                         ::testing::Values(std::tuple{2, 16, 32, 31, 31},
                                           std::tuple{1, 48, 16, 15, 18},
                                           std::tuple{3, 32, 32, 16, 16},
                                           std::tuple{1, 16, 16, 1, 201}));

TEST(Conv3x3Relu, FiltersWhereGradientsAreRecorded) {
  const at::Tensor x = at::randn({1, 16, 31, 31}), weight = at::randn({16, 16, 3, 3});
  EXPECT_FALSE(filtered(conv3x3_relu(x, weight)));
  const at::Tensor learned = weight.clone().requires_grad_();
  EXPECT_TRUE(filtered(conv3x3_relu(x, learned)));
  const at::NoGradGuard no_grad;
  EXPECT_TRUE(at::equal(conv3x3_relu(x, learned), at::relu(at::conv2d(x, weight, {}, 1, 1))));
}

TEST(Conv3x3Relu, IsConv2dForSmallImagesAndOtherChannels) {
  for (const auto& [channels, side] : {std::pair{16, 7}, {12, 31}}) {
    const at::Tensor x = at::randn({2, channels, side, side});
    const at::Tensor weight = at::randn({16, channels, 3, 3}).requires_grad_();
    const at::Tensor y = conv3x3_relu(x, weight);
    EXPECT_FALSE(filtered(y));
    EXPECT_TRUE(at::equal(y, at::relu(at::conv2d(x, weight, {}, 1, 1))));
  }
}

TEST(Conv3x3Relu, GivesAGradientToWhatAsksForIt) {
  const at::Tensor x = at::randn({1, 16, 20, 20}), weight = at::randn({16, 16, 3, 3});
  const at::Tensor only_x = x.clone().requires_grad_();
  conv3x3_relu(only_x, weight).sum().backward();
  EXPECT_TRUE(only_x.grad().defined());
  EXPECT_FALSE(weight.grad().defined());
}

TEST(Conv3x3Relu, KeepsWhatIsNotANumber) {
  at::Tensor x = at::zeros({1, 16, 20, 20});
  x[0][3][10][10].fill_(std::numeric_limits<float>::quiet_NaN());
  const at::Tensor weight = at::ones({16, 16, 3, 3}).requires_grad_();
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    EXPECT_TRUE(conv3x3_relu(x.to(dtype), weight)[0][0][10][10].isnan().item<bool>());
  }
}

}  // namespace
}  // namespace cdfss
