// The colours of classes, in RGB and as a canvas stores them.
#pragma once

#include <array>
#include <cstdint>

#include "canvas.h"

namespace cdfss {

struct Colour {
  std::uint8_t red, green, blue;
};

inline constexpr int kPaletteSize = 12;

// Colour of class index 1..255, always the same; they repeat after kPaletteSize.
Colour class_colour(int index);

// Black or white, whichever is read better on that colour.
Colour text_colour(Colour background);

// A colour as a canvas's pixels hold it: red, green, blue in the packed formats, else Y', Cb, Cr of
// the canvas's matrix and range.
using Ink = std::array<std::uint8_t, 3>;
Ink ink_of(Colour colour, const Canvas& canvas);

}  // namespace cdfss
