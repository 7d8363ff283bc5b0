// What is computed in several threads is what one thread computes, to the bit.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <vector>

#include "frame_test_support.h"
#include "mask_from_logits.h"
#include "model/likeness.h"
#include "tensor/activation_ranges.h"
#include "tensor/channel_moments.h"
#include "tensor/frame_input.h"
#include "tensor/tiled_convolution.h"

namespace cdfss {
namespace {

class Threads : public ::testing::Test {
 protected:
  ~Threads() override { at::set_num_threads(before_); }

  // Function: () -> tensors
  template <typename Function>
  static void expect_no_difference(const Function& function) {
    at::set_num_threads(1);
    const std::vector<at::Tensor> expected = function();
    at::set_num_threads(3);
    const std::vector<at::Tensor> results = function();
    ASSERT_EQ(results.size(), expected.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
      EXPECT_TRUE(at::equal(results[i], expected[i])) << "result " << i;
    }
  }

 private:
  const int before_ = at::get_num_threads();
};

at::Tensor random_image(std::int64_t channels, int side) {
  return at::randn({1, channels, side, side}).contiguous(at::MemoryFormat::ChannelsLast);
}

TEST_F(Threads, ReadFramesOfEveryFormat) {
  for (const PixelFormat format : testing::kAllFormats) {
    const testing::Noise noise(format, 333, 251);
    expect_no_difference([&] { return std::vector{frame_input(noise.view, 97)}; });
  }
}

TEST_F(Threads, Decide) {
  const at::Tensor logits = at::randn({3, 13, 13}) * 4;
  expect_no_difference([&] {
    Mask mask;
    mask_from_logits(logits, 0.5F, {"a", "b", "c"}, 301, 203, true, mask);
    std::vector<at::Tensor> results{at::tensor(at::ArrayRef<std::uint8_t>(mask.classes)),
                                    at::tensor(at::ArrayRef<float>(mask.probabilities))};
    for (const ClassRegion& region : mask.regions) {
      results.push_back(
          at::tensor({static_cast<double>(region.area), region.x * 1.0, region.y * 1.0,
                      region.width * 1.0, region.height * 1.0, static_cast<double>(region.score)}));
    }
    return results;
  });
}

TEST_F(Threads, Compare) {
  const at::Tensor features = random_image(32, 31), scores = random_image(50, 31);
  expect_no_difference([&] {
    const Likeness like = likeness(features, scores, {20, 10, 20});
    return std::vector{like.choice, like.similarity, like.margin};
  });
}

TEST_F(Threads, Quantise) {
  const at::Tensor x = random_image(64, 61);
  expect_no_difference([&] {
    const QuantisedTensor bytes = quantise(x, {.scale = 0.02, .zero = 128});
    return std::vector{bytes.bytes, dequantise(bytes, at::kFloat)};
  });
}

TEST_F(Threads, MeasureStyles) {
  const at::Tensor x = random_image(64, 61);
  expect_no_difference([&] {
    const ChannelMoments moments = channel_moments(x);
    return std::vector{moments.mean, moments.variance};
  });
}

TEST_F(Threads, ConvolveByTiles) {
  const ConvolutionGeometry geometry{.padding = 2, .dilation = 2};
  const TiledConvolution convolution(at::randn({64, 64, 3, 3}) / 24, {}, at::kFloat, geometry);
  const at::Tensor x = random_image(64, 45);
  // oneDNN may add in another order.
  at::set_num_threads(1);
  const at::Tensor expected = convolution.apply(x, true);
  at::set_num_threads(3);
  EXPECT_TRUE(at::allclose(convolution.apply(x, true), expected, 1e-4, 1e-5));
}

}  // namespace
}  // namespace cdfss
