// What is computed in several threads is what one thread computes, to the bit.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <omp.h>

#include <atomic>
#include <latch>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <vector>

#include "frame_test_support.h"
#include "mask_from_logits.h"
#include "model/asgnet.h"
#include "model/likeness.h"
#include "tensor/activation_ranges.h"
#include "tensor/channel_moments.h"
#include "tensor/frame_input.h"
#include "tensor/image_threads.h"
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

// Images apart, each in one thread.
TEST_F(Threads, Encode) {
  const at::NoGradGuard no_grad;
  at::manual_seed(1);
  Asgnet network(AsgnetOptions{});
  network->prepare_inference(at::kFloat);
  const at::Tensor images = at::randn({3, 3, 41, 41}).contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor mask = at::rand({3, 6, 6}).lt(0.3);
  mask[1].fill_(false);
  // Behind stage 1, something that sees the whole batch.
  const StageHook less_mean({1}, [](int, const at::Tensor& x) { return x - x.mean(); });
  const std::vector<at::Tensor> rows = images.split(1);
  at::set_num_threads(1);
  std::vector<at::Tensor> expected;
  for (const at::Tensor& row : rows) expected.push_back(encode(network->backbone(), row));
  const at::Tensor of_whole = encode(network->backbone(), images, less_mean);
  at::set_num_threads(3);
  const at::Tensor actual = encode(network->backbone(), images);
  EXPECT_TRUE(actual.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(at::equal(actual, at::cat(expected)));
  EXPECT_TRUE(at::allclose(encode(network->backbone(), images, less_mean), of_whole, 1e-4, 1e-5));
  const PixelSet pixels(mask, at::kCPU);
  const at::Tensor strips = encode_in(pixels, network->backbone(), images);
  const at::Tensor chosen = mask.unsqueeze(1);
  EXPECT_TRUE(at::allclose(pixels.images_of(strips), actual * chosen, 1e-4, 1e-5));
}

TEST_F(Threads, RunEachImageOnce) {
  at::set_num_threads(3);
  std::vector<std::atomic<int>> runs(7);
  const at::NoGradGuard no_grad;
  std::atomic<int> strangers = 0;  // in another state than the caller's, or with other threads
  for_images(7, [&](std::int64_t i) {
    ++runs[i];
    strangers += at::GradMode::is_enabled() || at::get_num_threads() != 1 || fill_threads(7);
  });
  for (const auto& count : runs) EXPECT_EQ(count, 1);
  EXPECT_EQ(strangers, 0);
  EXPECT_EQ(at::get_num_threads(), 3);
  EXPECT_THROW(for_images(7,
                          [](std::int64_t i) {
                            if (i == 5) throw std::out_of_range("5");
                          }),
               std::out_of_range);
}

// A backward convolution of oneDNN waits for as many threads as OpenMP says there are. A thread
// that had not asked LibTorch for their number before set it to that of all in the middle of its
// work, and waited for ever.
TEST_F(Threads, AreOneInAnImageFromTheirFirstWorkOn) {
  at::set_num_threads(3);
  std::atomic<int> with_others = 0;
  std::latch all_threads(3);  // each has one of the images
  // The OpenMP threads of a new thread are new, too.
  std::thread([&] {
    for_images(3, [&](std::int64_t) {
      all_threads.arrive_and_wait();
      at::parallel_for(0, 1, 1, [](std::int64_t, std::int64_t) {});
      with_others += at::get_num_threads() != 1 || omp_get_max_threads() != 1;
    });
  }).join();
  EXPECT_EQ(with_others, 0);
}

TEST_F(Threads, TakeImagesApartWhereAllAreBusy) {
  at::set_num_threads(4);
  for (const auto& [images, apart, parts] : {std::tuple{1, false, 1},
                                             {3, false, 1},
                                             {4, true, 4},
                                             {5, false, 1},
                                             {7, true, 1},
                                             {8, true, 4}}) {
    EXPECT_EQ(fill_threads(images), apart) << images;
    EXPECT_EQ(even_parts(images), parts) << images;
  }
  at::set_num_threads(1);
  EXPECT_FALSE(fill_threads(4));
}

}  // namespace
}  // namespace cdfss
