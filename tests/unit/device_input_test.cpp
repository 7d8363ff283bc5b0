// The accelerator's pre-processing on the CPU, which runs the same operations.
#include "tensor/device_input.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "cdfss/error.h"
#include "frame_test_support.h"
#include "tensor/frame_input.h"

namespace cdfss {
namespace {

constexpr int kSide = 41;

float difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<float>();
}

class DeviceFormats : public ::testing::TestWithParam<PixelFormat> {};

// One DeviceInput for all, as for a stream whose size changes.
TEST_P(DeviceFormats, MakeTheInputThatTheCpuMakes) {
  DeviceInput device(at::kCPU);
  for (const auto& [width, height] : {std::pair{1, 1}, {7, 90}, {64, 48}, {401, 303}, {41, 41}}) {
    for (const YuvMatrix matrix : {YuvMatrix::kBt601, YuvMatrix::kBt709, YuvMatrix::kBt2020}) {
      for (const bool full_range : {false, true}) {
        testing::Noise noise(GetParam(), width, height);
        noise.view.matrix = matrix;
        noise.view.full_range = full_range;
        const at::Tensor input = device.read(noise.view, kSide);
        ASSERT_EQ(input.sizes(), (std::vector<std::int64_t>{1, 3, kSide, kSide}));
        EXPECT_EQ(input.scalar_type(), at::kFloat);
        EXPECT_TRUE(input.is_contiguous(at::MemoryFormat::ChannelsLast));
        EXPECT_LE(difference(input, frame_input(noise.view, kSide)), 1e-5F)
            << width << "x" << height;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, DeviceFormats, ::testing::ValuesIn(testing::kAllFormats));

// Each frame by itself, whatever was there before: sizes, sides and formats that share taps or not.
TEST(DeviceInput, FollowsAFramesGeometry) {
  DeviceInput device(at::kCPU);
  const testing::Noise wide(PixelFormat::kI420, 200, 100), tall(PixelFormat::kI420, 100, 200),
      packed(PixelFormat::kBgrx, 200, 100);
  for (const int side : {41, 81}) {
    for (const testing::Noise* frame : {&wide, &tall, &wide, &packed, &wide}) {
      EXPECT_LE(difference(device.read(frame->view, side), frame_input(frame->view, side)), 1e-5F);
    }
  }
}

// The bytes are the caller's own only during the call.
TEST(DeviceInput, KeepsNothingOfTheView) {
  DeviceInput device(at::kCPU);
  testing::Noise noise(PixelFormat::kNv12, 123, 77);
  const at::Tensor expected = frame_input(noise.view, kSide);
  const at::Tensor input = device.read(noise.view, kSide);
  noise.bytes.zero_();
  EXPECT_LE(difference(input, expected), 1e-5F);
}

TEST(DeviceInput, RefusesABadView) {
  DeviceInput device(at::kCPU);
  EXPECT_THROW(device.read(ImageView{}, kSide), Error);
}

}  // namespace
}  // namespace cdfss
