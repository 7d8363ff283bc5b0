// Rows of paint, blended into a canvas of any format.
#pragma once

#include <cstdint>
#include <vector>

#include "canvas.h"
#include "palette.h"

namespace cdfss {

// What is laid over one pixel.
struct Paint {
  Ink ink{};
  std::uint16_t opacity = 0;  // in 1/256; 0 = nothing
};

// value with `opacity` / 256 of `ink` over it
inline std::uint8_t blend(std::uint8_t value, std::uint8_t ink, int opacity) {
  return static_cast<std::uint8_t>((value * (256 - opacity) + ink * opacity + 128) >> 8);
}

// Two rows of paint, since chroma of NV12 and I420 is shared by two rows of pixels.
using PaintRow = std::vector<Paint>;

// Blends paint for row `y`, an even number, and the one below it (`lower` is not read when that is
// outside) into the canvas. A chroma sample becomes the mean of what its 2 x 2 pixels (fewer at odd
// edges) would have become. A pixel's fourth byte and a row's padding are left as they are.
void blend_rows(const PaintRow& upper, const PaintRow& lower, int y, const Canvas& canvas);

}  // namespace cdfss
