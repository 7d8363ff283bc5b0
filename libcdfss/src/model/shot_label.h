// A support image's mask as its prototypes are made with it.
#pragma once

#include <ATen/core/Tensor.h>

#include "cdfss/support_set.h"

namespace cdfss {

struct ShotLabel {
  at::Tensor label;  // uint8 [h, h] of 0, 1, 255 at feature size (support_label())
  at::Tensor seeds;  // int64 [n, 2] (place_seeds())
};

// The shot's mask stretched to side x side pixels, nearest neighbour, as frame_input() stretches
// its image; both results on the CPU. Throws Error(kInvalidValue) naming the shot when its mask has
// not as many pixels as its image.
ShotLabel shot_label(const SupportShot& shot, int side);

}  // namespace cdfss
