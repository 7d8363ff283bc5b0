#include "palette.h"

#include <algorithm>
#include <cmath>

#include "cdfss/luma_weights.h"

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

std::uint8_t to_byte(double value) {
  return static_cast<std::uint8_t>(std::clamp(std::floor(value + 0.5), 0.0, 255.0));
}

double luma(Colour colour, LumaWeights weights) {
  return weights.red * colour.red + (1 - weights.red - weights.blue) * colour.green +
         weights.blue * colour.blue;
}

}  // namespace

Colour class_colour(int index) { return kPalette[(index - 1) % kPaletteSize]; }

Colour text_colour(Colour background) {
  return luma(background, luma_weights(YuvMatrix::kBt601)) > 127 ? Colour{0, 0, 0}
                                                                 : Colour{255, 255, 255};
}

Ink ink_of(Colour colour, const Canvas& canvas) {
  if (bytes_per_pixel(canvas.format) != 0) return {colour.red, colour.green, colour.blue};
  const LumaWeights weights = luma_weights(canvas.matrix);
  const double y = luma(colour, weights);
  const double luma_scale = canvas.full_range ? 1.0 : 219.0 / 255.0;
  const double chroma_scale = canvas.full_range ? 1.0 : 224.0 / 255.0;
  return {to_byte((canvas.full_range ? 0 : 16) + y * luma_scale),
          to_byte(128 + (colour.blue - y) / (2 * (1 - weights.blue)) * chroma_scale),
          to_byte(128 + (colour.red - y) / (2 * (1 - weights.red)) * chroma_scale)};
}

}  // namespace cdfss
