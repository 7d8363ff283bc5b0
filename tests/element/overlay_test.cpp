#include "overlay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "overlay_reference.h"

namespace cdfss {
namespace {

constexpr std::uint8_t kUntouched = 0xA5;

Mask make_mask(int width, int height, std::vector<std::uint8_t> classes) {
  Mask mask;
  mask.width = width;
  mask.height = height;
  mask.classes = std::move(classes);
  return mask;
}

Mask full_mask(int width, int height, std::uint8_t index) {
  return make_mask(width, height, std::vector<std::uint8_t>(std::size_t(width) * height, index));
}

// Rectangles of random classes over one another: runs, gaps of one pixel, touching classes.
Mask random_mask(int width, int height, std::mt19937& random) {
  Mask mask = full_mask(width, height, 0);
  const auto below = [&](int limit) { return static_cast<int>(random() % limit); };
  for (int i = 0; i < 12; ++i) {
    const int left = below(width), top = below(height), index = below(4);
    const int right = std::min(width, left + 1 + below(width)),
              bottom = std::min(height, top + 1 + below(height));
    for (int y = top; y < bottom; ++y) {
      for (int x = left; x < right; ++x) mask.classes[std::size_t(y) * width + x] = index;
    }
  }
  return mask;
}

Image random_picture(int width, int height, std::mt19937& random) {
  Image picture{width, height, std::vector<std::uint8_t>(std::size_t(3) * width * height)};
  for (std::uint8_t& value : picture.pixels) value = static_cast<std::uint8_t>(random());
  return picture;
}

Canvas canvas_of(Image& picture) {
  return {.format = PixelFormat::kRgb,
          .width = picture.width,
          .height = picture.height,
          .planes = {picture.pixels.data(), nullptr, nullptr},
          .strides = {std::ptrdiff_t{3} * picture.width, 0, 0}};
}

TEST(Palette, ColoursAreFarApartAndRepeat) {
  for (int a = 1; a <= kPaletteSize; ++a) {
    for (int b = a + 1; b <= kPaletteSize; ++b) {
      const Colour first = class_colour(a), second = class_colour(b);
      EXPECT_GE(
          std::hypot(first.red - second.red, first.green - second.green, first.blue - second.blue),
          90)
          << "classes " << a << " and " << b;
    }
  }
  EXPECT_EQ(class_colour(1).green, class_colour(kPaletteSize + 1).green);
  EXPECT_NO_FATAL_FAILURE(class_colour(255));
}

TEST(Contour, ThickensWithTheFrame) {
  EXPECT_EQ(contour_thickness(1), 1);
  EXPECT_EQ(contour_thickness(539), 1);
  EXPECT_EQ(contour_thickness(540), 2);
  EXPECT_EQ(contour_thickness(1080), 3);
  EXPECT_EQ(contour_thickness(2160), 6);
}

TEST(Overlay, BlendsAClassThatFillsTheFrameWithoutContour) {
  Image picture{2, 1, {100, 0, 255, 7, 80, 20}};
  OverlayPainter().draw(full_mask(2, 1, 1), canvas_of(picture), {.alpha = 0.25});
  const Colour colour = class_colour(1);  // 255, 64, 64
  ASSERT_EQ(colour.red, 255);
  ASSERT_EQ(colour.green, 64);
  EXPECT_EQ(picture.pixels, (std::vector<std::uint8_t>{139, 16, 207, 69, 76, 31}));
}

TEST(Overlay, ContourOfASquareIsSolidAndOnePixelWide) {
  Mask mask = full_mask(7, 7, 0);
  for (int y = 1; y < 6; ++y) std::fill_n(mask.classes.begin() + 7 * y + 1, 5, std::uint8_t{2});
  Image picture{7, 7, std::vector<std::uint8_t>(7 * 7 * 3, 10)};
  OverlayPainter().draw(mask, canvas_of(picture), {.alpha = 0});
  int solid = 0;
  for (int y = 0; y < 7; ++y) {
    for (int x = 0; x < 7; ++x) {
      const bool ring = std::max(std::abs(x - 3), std::abs(y - 3)) == 2;
      const std::uint8_t green = picture.pixels[(7 * y + x) * 3 + 1];
      EXPECT_EQ(green, ring ? class_colour(2).green : 10) << x << "," << y;
      solid += green != 10;
    }
  }
  EXPECT_EQ(solid, 16);
}

TEST(Overlay, LeavesAFrameWithoutObjectsAlone) {
  std::mt19937 random(1);
  Image picture = random_picture(33, 9, random);
  const Image before = picture;
  OverlayPainter().draw(full_mask(33, 9, 0), canvas_of(picture), {.alpha = 1});
  EXPECT_EQ(picture.pixels, before.pixels);
}

// Every format against the definition, at thicknesses 1, 2 and 3, with padded rows.
TEST(Overlay, IsTheDefinitionInEveryFormat) {
  struct Format {
    PixelFormat format;
    int bytes;
    bool blue_first;
  };
  std::mt19937 random(2);
  OverlayPainter painter;  // one for all: sizes change in a stream
  for (const auto& [width, height] :
       {std::pair{1, 1}, {17, 16}, {61, 57}, {333, 21}, {40, 560}, {30, 1000}}) {
    for (const Format& format : {Format{PixelFormat::kRgb, 3, false},
                                 {PixelFormat::kBgr, 3, true},
                                 {PixelFormat::kRgbx, 4, false},
                                 {PixelFormat::kBgrx, 4, true},
                                 {PixelFormat::kRgba, 4, false},
                                 {PixelFormat::kBgra, 4, true}}) {
      for (const double alpha : {0.0, 0.5, 1.0}) {
        const Mask mask = random_mask(width, height, random);
        const Image picture = random_picture(width, height, random);
        const Image expected = reference_overlay(mask, picture, alpha);
        const int stride = width * format.bytes + 5;
        std::vector<std::uint8_t> pixels(std::size_t(stride) * height, kUntouched);
        const auto byte = [&](int x, int y, int c) -> std::uint8_t& {
          return pixels[std::size_t(y) * stride + x * format.bytes +
                        (format.blue_first ? 2 - c : c)];
        };
        for (int y = 0; y < height; ++y) {
          for (int x = 0; x < width; ++x) {
            for (int c = 0; c < 3; ++c) byte(x, y, c) = picture.pixels[(y * width + x) * 3 + c];
          }
        }
        painter.draw(mask,
                     {.format = format.format,
                      .width = width,
                      .height = height,
                      .planes = {pixels.data(), nullptr, nullptr},
                      .strides = {stride, 0, 0}},
                     {.alpha = alpha});
        for (int y = 0; y < height; ++y) {
          for (int x = 0; x < width; ++x) {
            for (int c = 0; c < 3; ++c) {
              ASSERT_EQ(byte(x, y, c), expected.pixels[(y * width + x) * 3 + c])
                  << width << "x" << height << " at " << x << "," << y << " channel " << c;
              byte(x, y, c) = kUntouched;
            }
          }
        }
        EXPECT_TRUE(std::all_of(pixels.begin(), pixels.end(), [](std::uint8_t value) {
          return value == kUntouched;
        })) << "padding or a fourth byte was written";
      }
    }
  }
}

Canvas canvas_of(YuvPicture& picture) {
  return {.format = PixelFormat::kI420,
          .width = picture.width,
          .height = picture.height,
          .planes = {picture.planes[0].data(), picture.planes[1].data(), picture.planes[2].data()},
          .strides = {picture.width, picture.chroma_width(), picture.chroma_width()}};
}

// Chroma of I420 at odd sizes; NV12 differs by where the same bytes lie, which frames_test.cpp
// sees.
TEST(Overlay, IsTheDefinitionInYuv) {
  std::mt19937 random(3);
  OverlayPainter painter;
  for (const auto& [width, height] :
       {std::pair{1, 1}, {2, 3}, {17, 16}, {61, 57}, {333, 21}, {31, 601}}) {
    for (const double alpha : {0.0, 0.5, 1.0}) {
      for (const bool contours : {true, false}) {
        const Mask mask = random_mask(width, height, random);
        YuvPicture picture = to_yuv(random_picture(width, height, random));
        const YuvPicture expected = reference_overlay(mask, picture, alpha, contours);
        painter.draw(mask, canvas_of(picture), {.alpha = alpha, .contours = contours});
        ASSERT_EQ(picture.planes, expected.planes) << width << "x" << height << ", " << alpha;
      }
    }
  }
}

TEST(Ink, FollowsMatrixAndRange) {
  const Colour red{255, 0, 0};
  const auto ink = [&](YuvMatrix matrix, bool full_range) {
    return ink_of(red, {.format = PixelFormat::kNv12, .matrix = matrix, .full_range = full_range});
  };
  EXPECT_EQ(ink(YuvMatrix::kBt601, false), (Ink{81, 90, 240}));
  EXPECT_EQ(ink(YuvMatrix::kBt709, false), (Ink{63, 102, 240}));
  EXPECT_EQ(ink(YuvMatrix::kBt601, true), (Ink{76, 85, 255}));
  EXPECT_EQ(ink_of({255, 255, 255}, {.format = PixelFormat::kI420}), (Ink{235, 128, 128}));
  EXPECT_EQ(ink_of(red, {.format = PixelFormat::kBgr}), (Ink{255, 0, 0}));
}

// A box of class 1 in the lower half of a frame, with its name.
Mask named_mask(int width, int height, const std::string& name) {
  Mask mask = full_mask(width, height, 0);
  for (int y = height / 2; y < height - 2; ++y) {
    std::fill_n(mask.classes.begin() + std::ptrdiff_t{y} * width + 8, 20, std::uint8_t{1});
  }
  mask.regions = {{.name = name,
                   .area = 20 * (height / 2 - 2),
                   .x = 8,
                   .y = height / 2,
                   .width = 20,
                   .height = height / 2 - 2}};
  return mask;
}

// Where label pixels are: neither the ground nor any of the overlay's.
TEST(Labels, AreWrittenAboveTheBox) {
  Image picture{200, 100, std::vector<std::uint8_t>(200 * 100 * 3, 10)};
  const Mask mask = named_mask(200, 100, "crab");
  OverlayPainter().draw(mask, canvas_of(picture), {.alpha = 0, .contours = false, .labels = true});
  const Colour colour = class_colour(1);
  int ground = 0, letters = 0;
  for (int y = 0; y < 100; ++y) {
    for (int x = 0; x < 200; ++x) {
      const std::uint8_t* pixel = &picture.pixels[3 * (200 * y + x)];
      if (pixel[0] == 10 && pixel[1] == 10) continue;
      EXPECT_GE(x, 8);
      EXPECT_LT(y, 50) << "not above the box";
      EXPECT_GE(y, 50 - 3 * label_font_size(100));
      if (pixel[0] == colour.red && pixel[1] == colour.green) ++ground;
      if (pixel[1] > 200) ++letters;  // white on this colour
    }
  }
  EXPECT_GT(ground, 100);
  EXPECT_GT(letters, 10);
}

// Whatever the name, size and place, a label stays inside the frame.
TEST(Labels, StayInsideTheFrame) {
  for (const std::string& name : {std::string("crab"), std::string(300, 'W'), std::string(""),
                                  std::string("\xff\xfe"), std::string("\xc3\xa9toile")}) {
    for (const auto& [width, height] : {std::pair{40, 16}, {40, 33}, {33, 200}, {300, 8}}) {
      YuvPicture picture =
          to_yuv({width, height, std::vector<std::uint8_t>(std::size_t(3) * width * height, 9)});
      OverlayPainter().draw(named_mask(width, height, name), canvas_of(picture), {.labels = true});
    }
  }
}

TEST(Labels, AreNotWrittenForWhatIsNotThere) {
  Image picture{200, 100, std::vector<std::uint8_t>(200 * 100 * 3, 10)};
  const Image before = picture;
  Mask mask = full_mask(200, 100, 0);
  mask.regions = {{.name = "crab"}};
  OverlayPainter().draw(mask, canvas_of(picture), {.labels = true});
  EXPECT_EQ(picture.pixels, before.pixels);
}

}  // namespace
}  // namespace cdfss
