// The overlay by its definition, pixel by pixel.
#pragma once

#include "cdfss/image.h"
#include "cdfss/mask.h"
#include "pictures.h"

namespace cdfss {

Image reference_overlay(const Mask& mask, const Image& picture, double alpha, bool contours = true);

// A chroma sample is the mean of what the 2 x 2 pixels that it covers would be. BT.601, 16..235.
YuvPicture reference_overlay(const Mask& mask, const YuvPicture& picture, double alpha,
                             bool contours = true);

}  // namespace cdfss
