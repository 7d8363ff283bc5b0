// Image bytes to network input and network output to image size.
#pragma once

#include <ATen/core/Tensor.h>

#include "cdfss/image.h"

namespace cdfss {

// RGB bytes uint8 [H, W, 3] on the CPU, copied from any format and stride. Throws as validate().
at::Tensor to_rgb_tensor(const ImageView& image);

// (x / 255 - mean) / std of [B, H, W, 3], 0..255 -> float [B, 3, H, W].
at::Tensor normalise(const at::Tensor& rgb);

// Bilinear with align_corners = true, the method's resize ("ac" in SPEC). [B, C, h, w]
at::Tensor resize_align_corners(const at::Tensor& x, int height, int width);

}  // namespace cdfss
