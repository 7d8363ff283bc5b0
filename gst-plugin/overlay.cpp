#include "overlay.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace cdfss {
namespace {

// Neighbours in the list differ in hue, all differ from each other by at least 90 of 441 in RGB.
constexpr std::array<Colour, kPaletteSize> kPalette{{{255, 64, 64},
                                                     {0, 200, 255},
                                                     {255, 220, 0},
                                                     {140, 82, 255},
                                                     {0, 214, 120},
                                                     {255, 128, 0},
                                                     {255, 92, 205},
                                                     {0, 80, 255},
                                                     {120, 190, 0},
                                                     {0, 110, 120},
                                                     {150, 60, 0},
                                                     {240, 240, 240}}};

// Where the colours are in a pixel's bytes.
struct Channels {
  int red, green, blue;
};

Channels channels_of(PixelFormat format) {
  const bool blue_first =
      format == PixelFormat::kBgr || format == PixelFormat::kBgrx || format == PixelFormat::kBgra;
  return blue_first ? Channels{2, 1, 0} : Channels{0, 1, 2};
}

// weight of the colour in 1/256
std::uint8_t blend(std::uint8_t pixel, std::uint8_t colour, int weight) {
  return static_cast<std::uint8_t>((pixel * (256 - weight) + colour * weight + 128) >> 8);
}

}  // namespace

Colour class_colour(int index) { return kPalette[(index - 1) % kPaletteSize]; }

int contour_thickness(int height) { return std::max(1, (height + 180) / 360); }

void OverlayPainter::draw(const Mask& mask, PixelFormat format, std::uint8_t* pixels,
                          std::ptrdiff_t stride, double alpha) {
  const int width = mask.width, height = mask.height;
  const int thickness = contour_thickness(height);
  const int weight = static_cast<int>(std::lround(alpha * 256));
  const int step = bytes_per_pixel(format);
  const Channels at = channels_of(format);
  const auto row_of = [&](int y) { return mask.classes.data() + std::ptrdiff_t{y} * width; };

  // boundary_[x] is the lowest row so far whose class differs from the row's above it, looking
  // `thickness` rows ahead. A pixel is within `thickness` of a change in its column exactly if that
  // row lies in (y - thickness, y + thickness]: one comparison a pixel, however thick the contour.
  boundary_.assign(width, -thickness);
  const auto look_at = [&](int y) {
    const std::uint8_t *above = row_of(y - 1), *row = row_of(y);
    for (int x = 0; x < width; ++x) {
      if (row[x] != above[x]) boundary_[x] = y;
    }
  };
  for (int y = 1; y < std::min(thickness, height); ++y) look_at(y);

  for (int y = 0; y < height; ++y) {
    if (y + thickness < height) look_at(y + thickness);
    const std::uint8_t* classes = row_of(y);
    std::uint8_t* row = pixels + y * stride;
    for (int begin = 0, end; begin < width; begin = end) {
      const std::uint8_t index = classes[begin];
      end = static_cast<int>(
          std::find_if(classes + begin, classes + width, [&](auto c) { return c != index; }) -
          classes);
      if (index == 0) continue;
      const Colour colour = class_colour(index);
      const int inner_begin = begin == 0 ? 0 : begin + thickness;
      const int inner_end = end == width ? width : end - thickness;
      for (int x = begin; x < end; ++x) {
        const bool contour = x < inner_begin || x >= inner_end || boundary_[x] > y - thickness;
        const int opacity = contour ? 256 : weight;
        std::uint8_t* pixel = row + std::ptrdiff_t{x} * step;
        pixel[at.red] = blend(pixel[at.red], colour.red, opacity);
        pixel[at.green] = blend(pixel[at.green], colour.green, opacity);
        pixel[at.blue] = blend(pixel[at.blue], colour.blue, opacity);
      }
    }
  }
}

}  // namespace cdfss
