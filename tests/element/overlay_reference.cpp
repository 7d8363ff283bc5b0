#include "overlay_reference.h"

#include <cmath>

#include "overlay.h"

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

}  // namespace

Image reference_overlay(const Mask& mask, const Image& picture, double alpha) {
  Image result = picture;
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      const std::size_t i = std::size_t(y) * mask.width + x;
      if (mask.classes[i] == 0) continue;
      const Colour colour = class_colour(mask.classes[i]);
      const double opacity = on_contour(mask, x, y) ? 1.0 : alpha;
      const double target[3] = {double(colour.red), double(colour.green), double(colour.blue)};
      for (int c = 0; c < 3; ++c) {
        std::uint8_t& value = result.pixels[3 * i + c];
        value = static_cast<std::uint8_t>(
            std::floor(value * (1 - opacity) + target[c] * opacity + 0.5));
      }
    }
  }
  return result;
}

}  // namespace cdfss
