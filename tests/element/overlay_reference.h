// The overlay by its definition, pixel by pixel.
#pragma once

#include "cdfss/image.h"
#include "cdfss/mask.h"

namespace cdfss {

Image reference_overlay(const Mask& mask, const Image& picture, double alpha);

}  // namespace cdfss
