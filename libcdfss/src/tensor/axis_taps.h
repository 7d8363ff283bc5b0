// Bilinear interpolation along one axis.
#pragma once

#include <algorithm>
#include <vector>

namespace cdfss {

// Each output pixel lies between the source pixels `first` and `second`, `share` (0 to 1) of the
// way.
struct AxisTaps {
  std::vector<int> first, second;
  std::vector<float> share;

  // Pixel centres at half coordinates, as images are stretched (align_corners = false).
  static AxisTaps half_pixel(int from, int to) {
    const float scale = static_cast<float>(from) / static_cast<float>(to);
    return AxisTaps(from, to, [scale](int i) {
      return std::max((static_cast<float>(i) + 0.5F) * scale - 0.5F, 0.0F);
    });
  }
  // First on first and last on last pixel, the method's own resize (align_corners = true).
  static AxisTaps aligned_corners(int from, int to) {
    const float scale = to > 1 ? static_cast<float>(from - 1) / static_cast<float>(to - 1) : 0.0F;
    return AxisTaps(from, to, [scale](int i) { return static_cast<float>(i) * scale; });
  }

 private:
  template <typename Place>
  AxisTaps(int from, int to, Place place) : first(to), second(to), share(to) {
    for (int i = 0; i < to; ++i) {
      const float at = place(i);
      first[i] = std::min(static_cast<int>(at), from - 1);
      second[i] = std::min(first[i] + 1, from - 1);
      share[i] = std::min(at - static_cast<float>(first[i]), 1.0F);
    }
  }
};

inline float between(float a, float b, float share) { return (1.0F - share) * a + share * b; }

}  // namespace cdfss
