#include "overlay_reference.h"

#include <algorithm>
#include <cmath>

#include "palette.h"
#include "region_paint.h"

namespace cdfss {
namespace {

// Another class, or none, within the contour's thickness along the row or the column?
bool on_contour(const Mask& mask, int x, int y) {
  const auto at = [&](int column, int row) {
    const bool inside = column >= 0 && column < mask.width && row >= 0 && row < mask.height;
    return inside ? mask.classes[std::size_t(row) * mask.width + column] : -1;
  };
  for (int d = 1; d <= contour_thickness(mask.height); ++d) {
    for (const int other : {at(x - d, y), at(x + d, y), at(x, y - d), at(x, y + d)}) {
      if (other != -1 && other != at(x, y)) return true;
    }
  }
  return false;
}

// A value with the class's colour over it, not rounded.
double over(const Mask& mask, int x, int y, double alpha, bool contours, double value,
            const std::array<double, 256>& ink) {
  const int index = mask.classes[std::size_t(y) * mask.width + x];
  if (index == 0) return value;
  const double opacity = contours && on_contour(mask, x, y) ? 1.0 : alpha;
  return value * (1 - opacity) + ink[index] * opacity;
}

std::uint8_t rounded(double value) { return static_cast<std::uint8_t>(std::floor(value + 0.5)); }

}  // namespace

Image reference_overlay(const Mask& mask, const Image& picture, double alpha, bool contours) {
  Image result = picture;
  for (int c = 0; c < 3; ++c) {
    std::array<double, 256> ink{};
    for (int i = 1; i < 256; ++i) {
      const Colour colour = class_colour(i);
      ink[i] = c == 0 ? colour.red : c == 1 ? colour.green : colour.blue;
    }
    for (int y = 0; y < mask.height; ++y) {
      for (int x = 0; x < mask.width; ++x) {
        std::uint8_t& value = result.pixels[3 * (std::size_t(y) * mask.width + x) + c];
        value = rounded(over(mask, x, y, alpha, contours, value, ink));
      }
    }
  }
  return result;
}

YuvPicture reference_overlay(const Mask& mask, const YuvPicture& picture, double alpha,
                             bool contours) {
  YuvPicture result = picture;
  std::array<std::array<double, 256>, 3> inks{};
  for (int i = 1; i < 256; ++i) {
    const Colour colour = class_colour(i);
    const YuvPicture pixel = to_yuv({1, 1, {colour.red, colour.green, colour.blue}});
    for (int c = 0; c < 3; ++c) inks[c][i] = pixel.planes[c][0];
  }
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      std::uint8_t& value = result.planes[0][std::size_t(y) * mask.width + x];
      value = rounded(over(mask, x, y, alpha, contours, value, inks[0]));
    }
  }
  for (int c = 1; c < 3; ++c) {
    for (int v = 0; v < picture.chroma_height(); ++v) {
      for (int u = 0; u < picture.chroma_width(); ++u) {
        std::uint8_t& value = result.planes[c][std::size_t(v) * picture.chroma_width() + u];
        double sum = 0;
        int pixels = 0;
        for (int y = 2 * v; y < std::min(2 * v + 2, mask.height); ++y) {
          for (int x = 2 * u; x < std::min(2 * u + 2, mask.width); ++x, ++pixels) {
            sum += over(mask, x, y, alpha, contours, value, inks[c]);
          }
        }
        value = rounded(sum / pixels);
      }
    }
  }
  return result;
}

}  // namespace cdfss
