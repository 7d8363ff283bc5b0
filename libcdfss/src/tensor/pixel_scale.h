// The numbers by which a frame's bytes become the network's input.
#pragma once

#include <array>

#include "cdfss/image.h"
#include "cdfss/luma_weights.h"

namespace cdfss {

// ImageNet's mean, and one over its standard deviation, of R, G and B from 0 to 255.
constexpr std::array<float, 3> kPixelMean{0.485F * 255, 0.456F * 255, 0.406F * 255};
constexpr std::array<float, 3> kPixelScale{1 / (0.229F * 255), 1 / (0.224F * 255),
                                           1 / (0.225F * 255)};

// What turns an image's Y', Cb and Cr into colours:
//   light = (Y' - black) luma, R = light + (Cr - 128) chroma of_cr, B likewise,
//   G = (light - R kr - B kb) per_kg.
struct YuvScale {
  float black, luma, chroma, kr, kb, per_kg, of_cr, of_cb;

  explicit YuvScale(const ImageView& image) {
    black = image.full_range ? 0.0F : 16.0F;
    luma = image.full_range ? 1.0F : 255.0F / 219.0F;
    chroma = image.full_range ? 1.0F : 255.0F / 224.0F;
    const LumaWeights weights = luma_weights(image.matrix);
    kr = static_cast<float>(weights.red);
    kb = static_cast<float>(weights.blue);
    per_kg = static_cast<float>(1.0 / (1.0 - weights.red - weights.blue));
    of_cr = static_cast<float>(2.0 * (1.0 - weights.red));
    of_cb = static_cast<float>(2.0 * (1.0 - weights.blue));
  }
};

// Whether a packed format has blue before green.
constexpr bool blue_first(PixelFormat format) {
  return format == PixelFormat::kBgr || format == PixelFormat::kBgrx ||
         format == PixelFormat::kBgra;
}

}  // namespace cdfss
