#include "paint.h"

#include <algorithm>

namespace cdfss {
namespace {

void blend_packed(const PaintRow& row, int y, const Canvas& canvas) {
  const int step = bytes_per_pixel(canvas.format);
  const bool blue_first = canvas.format == PixelFormat::kBgr ||
                          canvas.format == PixelFormat::kBgrx ||
                          canvas.format == PixelFormat::kBgra;
  const int red = blue_first ? 2 : 0, blue = 2 - red;
  std::uint8_t* pixel = canvas.row(0, y);
  for (int x = 0; x < canvas.width; ++x, pixel += step) {
    const Paint& paint = row[x];
    if (paint.opacity == 0) continue;
    pixel[red] = blend(pixel[red], paint.ink[0], paint.opacity);
    pixel[1] = blend(pixel[1], paint.ink[1], paint.opacity);
    pixel[blue] = blend(pixel[blue], paint.ink[2], paint.opacity);
  }
}

void blend_luma(const PaintRow& row, int y, const Canvas& canvas) {
  std::uint8_t* luma = canvas.row(0, y);
  for (int x = 0; x < canvas.width; ++x) {
    if (row[x].opacity != 0) luma[x] = blend(luma[x], row[x].ink[0], row[x].opacity);
  }
}

void blend_chroma(const PaintRow& upper, const PaintRow* lower, int y, const Canvas& canvas) {
  const bool interleaved = canvas.format == PixelFormat::kNv12;
  std::uint8_t* cb = canvas.row(1, y / 2);
  std::uint8_t* cr = interleaved ? cb + 1 : canvas.row(2, y / 2);
  const int step = interleaved ? 2 : 1;
  for (int x = 0; x < canvas.width; x += 2, cb += step, cr += step) {
    int pixels = 0, opacity = 0, blue = 0, red = 0;
    for (const PaintRow* row : {&upper, lower}) {
      if (row == nullptr) continue;
      for (int i = x; i < std::min(x + 2, canvas.width); ++i) {
        const Paint& paint = (*row)[i];
        ++pixels;
        opacity += paint.opacity;
        blue += paint.ink[1] * paint.opacity;
        red += paint.ink[2] * paint.opacity;
      }
    }
    if (opacity == 0) continue;
    const auto mean = [&](std::uint8_t value, int ink) {
      return static_cast<std::uint8_t>((value * (256 * pixels - opacity) + ink + 128 * pixels) /
                                       (256 * pixels));
    };
    *cb = mean(*cb, blue);
    *cr = mean(*cr, red);
  }
}

}  // namespace

void blend_rows(const PaintRow& upper, const PaintRow& lower, int y, const Canvas& canvas) {
  const bool has_lower = y + 1 < canvas.height;
  if (bytes_per_pixel(canvas.format) != 0) {
    blend_packed(upper, y, canvas);
    if (has_lower) blend_packed(lower, y + 1, canvas);
    return;
  }
  blend_luma(upper, y, canvas);
  if (has_lower) blend_luma(lower, y + 1, canvas);
  blend_chroma(upper, has_lower ? &lower : nullptr, y, canvas);
}

}  // namespace cdfss
