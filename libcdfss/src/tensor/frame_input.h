// A frame as the network sees it.
#pragma once

#include <ATen/core/Tensor.h>

#include "cdfss/image.h"

namespace cdfss {

// Any view -> float [1, 3, side, side] on the CPU, channels-last: as to_rgb_tensor(), stretched
// with half-pixel bilinear interpolation, then (x / 255 - mean) / std of ImageNet. Throws as
// validate().
at::Tensor frame_input(const ImageView& image, int side);

}  // namespace cdfss
