#include "tensor/frame_input.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

#include "cdfss/error.h"
#include "frame_test_support.h"
#include "tensor/image_tensor.h"

namespace cdfss {
namespace {

// What it is defined as, step by step.
at::Tensor step_by_step(const ImageView& image, int side) {
  const at::Tensor planes = to_rgb_tensor(image).permute({2, 0, 1}).unsqueeze(0).to(at::kFloat);
  const at::Tensor resized = at::upsample_bilinear2d(planes, {side, side}, /*align_corners=*/false);
  const at::Tensor mean = at::tensor({0.485F, 0.456F, 0.406F}).view({1, 3, 1, 1});
  const at::Tensor std = at::tensor({0.229F, 0.224F, 0.225F}).view({1, 3, 1, 1});
  return (resized / 255 - mean) / std;
}

class Formats : public ::testing::TestWithParam<PixelFormat> {};

TEST_P(Formats, AreConvertedStretchedAndNormalised) {
  at::manual_seed(11);
  for (const auto& [width, height] : {std::pair{1, 1}, {7, 90}, {64, 48}, {401, 303}, {41, 41}}) {
    for (const YuvMatrix matrix : {YuvMatrix::kBt601, YuvMatrix::kBt709, YuvMatrix::kBt2020}) {
      for (const bool full_range : {false, true}) {
        testing::Noise noise(GetParam(), width, height);
        noise.view.matrix = matrix;
        noise.view.full_range = full_range;
        const at::Tensor input = frame_input(noise.view, 41);
        ASSERT_EQ(input.sizes(), (std::vector<std::int64_t>{1, 3, 41, 41}));
        EXPECT_TRUE(input.is_contiguous(at::MemoryFormat::ChannelsLast));
        const at::Tensor error = (input - step_by_step(noise.view, 41)).abs();
        // A colour half-way between two levels may become either: one of 255 levels, and rare.
        const bool rounds = bytes_per_pixel(GetParam()) == 0;
        EXPECT_LE(error.max().item<float>(), rounds ? 1.0001F / (255 * 0.224F) : 1e-4F)
            << width << "x" << height;
        EXPECT_LE(error.gt(1e-4).sum().item<int>(), rounds && width > 1 ? 4 : 0)
            << width << "x" << height;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Formats, ::testing::ValuesIn(testing::kAllFormats));

TEST(FrameInput, NormalisesWithImageNetsStatistics) {
  const std::vector<std::uint8_t> grey(5 * 7 * 3, 128);
  const at::Tensor input =
      frame_input({.width = 7, .height = 5, .planes = {grey.data()}, .strides = {21}}, 41);
  EXPECT_NEAR(input[0][0][20][20].item<float>(), (128.0 / 255 - 0.485) / 0.229, 1e-5);
  EXPECT_NEAR(input[0][2][0][40].item<float>(), (128.0 / 255 - 0.406) / 0.225, 1e-5);
}

TEST(FrameInput, RefusesABadView) { EXPECT_THROW(frame_input(ImageView{}, 41), Error); }

}  // namespace
}  // namespace cdfss
