#include "tensor/image_tensor.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

#include "cdfss/error.h"

namespace cdfss {
namespace {

// A 3 x 2 picture in a packed format, each row followed by `padding` bytes of 0xEE.
std::vector<std::uint8_t> packed(PixelFormat format, int padding) {
  const bool blue_first =
      format == PixelFormat::kBgr || format == PixelFormat::kBgrx || format == PixelFormat::kBgra;
  std::vector<std::uint8_t> bytes;
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 3; ++x) {
      const std::uint8_t r = 10 * x, g = 100 + y, b = 200;
      bytes.insert(bytes.end(), {blue_first ? b : r, g, blue_first ? r : b});
      if (bytes_per_pixel(format) == 4) bytes.push_back(77);
    }
    bytes.insert(bytes.end(), padding, 0xEE);
  }
  return bytes;
}

class PackedFormats : public ::testing::TestWithParam<PixelFormat> {};

TEST_P(PackedFormats, GiveTheSameRgbForAnyStride) {
  const PixelFormat format = GetParam();
  for (const int padding : {0, 1, 7}) {
    const std::vector<std::uint8_t> bytes = packed(format, padding);
    const ImageView view{.format = format,
                         .width = 3,
                         .height = 2,
                         .planes = {bytes.data(), nullptr, nullptr},
                         .strides = {3 * bytes_per_pixel(format) + padding, 0, 0}};
    const at::Tensor rgb = to_rgb_tensor(view);
    ASSERT_EQ(rgb.sizes(), (std::vector<std::int64_t>{2, 3, 3}));
    EXPECT_EQ(rgb[1][2][0].item<int>(), 20);
    EXPECT_EQ(rgb[1][2][1].item<int>(), 101);
    EXPECT_EQ(rgb[1][2][2].item<int>(), 200);
  }
}

INSTANTIATE_TEST_SUITE_P(All, PackedFormats,
                         ::testing::Values(PixelFormat::kRgb, PixelFormat::kBgr, PixelFormat::kRgbx,
                                           PixelFormat::kBgrx, PixelFormat::kRgba,
                                           PixelFormat::kBgra));

// BT.601 studio range: white is (235, 128, 128), pure red (81.5, 90.2, 240).
TEST(YuvFormats, Nv12AndI420AgreeOnKnownColours) {
  const std::vector<std::uint8_t> luma{235, 235, 81, 235, 235, 81};  // 3 x 2, odd width
  const std::vector<std::uint8_t> cb{128, 90}, cr{128, 240}, cbcr{128, 128, 90, 240};
  const ImageView i420{.format = PixelFormat::kI420,
                       .width = 3,
                       .height = 2,
                       .planes = {luma.data(), cb.data(), cr.data()},
                       .strides = {3, 2, 2}};
  const ImageView nv12{.format = PixelFormat::kNv12,
                       .width = 3,
                       .height = 2,
                       .planes = {luma.data(), cbcr.data(), nullptr},
                       .strides = {3, 4, 0}};
  const at::Tensor rgb = to_rgb_tensor(i420);
  EXPECT_TRUE(at::equal(rgb, to_rgb_tensor(nv12)));
  EXPECT_TRUE(rgb.select(1, 0).eq(255).all().item<bool>()) << rgb;
  EXPECT_NEAR(rgb[0][2][0].item<int>(), 254, 2);
  EXPECT_NEAR(rgb[0][2][1].item<int>(), 0, 2);
  EXPECT_NEAR(rgb[0][2][2].item<int>(), 0, 2);
}

TEST(YuvFormats, FullRangeGreyIsItself) {
  const std::vector<std::uint8_t> luma{37}, cb{128}, cr{128};
  const ImageView view{.format = PixelFormat::kI420,
                       .width = 1,
                       .height = 1,
                       .planes = {luma.data(), cb.data(), cr.data()},
                       .strides = {1, 1, 1},
                       .matrix = YuvMatrix::kBt709,
                       .full_range = true};
  EXPECT_TRUE(to_rgb_tensor(view).eq(37).all().item<bool>());
}

TEST(ImageView, NamesWhatIsWrong) {
  const std::uint8_t byte = 0;
  const auto message = [](const ImageView& view) {
    try {
      validate(view);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInvalidValue);
      return std::string(e.what());
    }
    return std::string();
  };
  ImageView view{.width = 3, .height = 2, .planes = {&byte}, .strides = {9}};
  EXPECT_EQ(message(view), "");
  view.strides[0] = 8;
  EXPECT_NE(message(view).find("stride of 8 bytes, a row needs 9"), std::string::npos);
  view.planes[0] = nullptr;
  EXPECT_NE(message(view).find("plane 0 is null"), std::string::npos);
  view.width = 0;
  EXPECT_NE(message(view).find("0x2"), std::string::npos);
}

TEST(ResizeAlignCorners, KeepsTheCornersAndInterpolatesBetween) {
  const at::Tensor x = at::tensor({0.0F, 2.0F}).view({1, 1, 1, 2});
  const at::Tensor y = resize_align_corners(x, 1, 5);
  EXPECT_TRUE(at::allclose(y.flatten(), at::tensor({0.0F, 0.5F, 1.0F, 1.5F, 2.0F})));
}

}  // namespace
}  // namespace cdfss
