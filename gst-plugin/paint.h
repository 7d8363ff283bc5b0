// Rows of paint, blended into a canvas of any format.
#pragma once

#include <cstdint>
#include <vector>

#include "canvas.h"
#include "palette.h"

namespace cdfss {

// What is laid over a pixel.
struct Paint {
  Ink ink{};
  std::uint16_t opacity = 0;  // in 1/256; 0 = nothing
  bool operator==(const Paint&) const = default;
};

// The same paint over the pixels [begin, end) of a row.
struct PaintSpan {
  int begin, end;
  Paint paint;
};

// From left to right, none over another, not empty; nothing is laid between them.
using PaintRow = std::vector<PaintSpan>;

// value with `opacity` / 256 of `ink` over it
inline std::uint8_t blend(std::uint8_t value, std::uint8_t ink, int opacity) {
  return static_cast<std::uint8_t>((value * (256 - opacity) + ink * opacity + 128) >> 8);
}

// Replaces what `row` has between the first span's begin and the last one's end by `spans`.
void cover(PaintRow& row, const PaintRow& spans);

// Blends paint for row `y`, an even number, and the one below it (`lower` is not read when that is
// outside) into the canvas. Two rows, since chroma of NV12 and I420 is shared by two: a chroma
// sample becomes the mean of what its 2 x 2 pixels (fewer at odd edges) would have become. A
// pixel's fourth byte and a row's padding are left as they are.
void blend_rows(const PaintRow& upper, const PaintRow& lower, int y, const Canvas& canvas);

}  // namespace cdfss
