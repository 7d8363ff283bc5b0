// Draws a mask into a frame: each class's area tinted, its contour solid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cdfss/image.h"
#include "cdfss/mask.h"

namespace cdfss {

struct Colour {
  std::uint8_t red, green, blue;
};

inline constexpr int kPaletteSize = 12;

// Colour of class index 1..255, always the same; they repeat after kPaletteSize.
Colour class_colour(int index);

// Thickness in pixels of contours in a frame of that height: 1 up to 539, then 1 more every 360.
int contour_thickness(int height);

class OverlayPainter {
 public:
  // Blends each class's colour with opacity `alpha`, 0..1, over its pixels, in place; pixels of a
  // region that lie within contour_thickness of another class or of none, along a row or a column,
  // are set to the colour itself. The frame's own edge is no contour. `pixels` are mask.height rows
  // of mask.width pixels in a packed format, `stride` bytes apart; the fourth byte of a pixel and
  // the padding of a row are left as they are.
  void draw(const Mask& mask, PixelFormat format, std::uint8_t* pixels, std::ptrdiff_t stride,
            double alpha);

 private:
  std::vector<int> boundary_;  // scratch, see draw; kept to allocate nothing a frame
};

}  // namespace cdfss
