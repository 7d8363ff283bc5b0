// A picture that is drawn into: a view of foreign memory, as ImageView is, but writable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "cdfss/image.h"

namespace cdfss {

// Planes, strides and colours as in ImageView.
struct Canvas {
  PixelFormat format = PixelFormat::kRgb;
  int width = 0;
  int height = 0;
  std::array<std::uint8_t*, 3> planes{};
  std::array<std::ptrdiff_t, 3> strides{};
  YuvMatrix matrix = YuvMatrix::kBt601;
  bool full_range = false;

  std::uint8_t* row(int plane, int y) const { return planes[plane] + y * strides[plane]; }
};

}  // namespace cdfss
