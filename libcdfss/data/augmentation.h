// Training augmentation of one image with its label (SPEC A11) and the test transform (A13).
#pragma once

#include <random>

#include "data/sample.h"

namespace cdfss {

struct AugmentationOptions {
  int size = 473;          // S, side of the square output in pixels
  double scale_min = 0.9;  // isotropic scale drawn from [scale_min, scale_max]
  double scale_max = 1.1;
  // true: the longer side is resized to S (A13) instead of the crop of A11 (SPEC B18).
  bool resize = false;
  // Colour jitter (.4, .4, .4, .1) and grey with p = .2 after the geometry: the transformed support
  // view X_t of SPEC B15.
  bool colour_jitter = false;
};

// Random scale, rotation, blur, flip and crop; image and label together. Output S x S, image
// CV_8UC3 RGB padded with the ImageNet mean (`resize`: with black, as fit), label padded with 255.
// Throws Error(kInvalidValue) for a sample whose image and label differ in size, or a side below 8.
Sample augment(const Sample& sample, const AugmentationOptions& options,
               std::mt19937_64& generator);

// How an image is laid out in the network's square input.
enum class Layout {
  kPad,      // SPEC A13: longer side -> S, both floored to a multiple of 8, top-left, padded
  kStretch,  // both sides to S
};

// Deterministic test transform. kPad pads the image with black and the label with 255.
Sample fit(const Sample& sample, int size, Layout layout);

}  // namespace cdfss
