// From the network's logits to a mask of the image's size.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "cdfss/mask.h"

namespace cdfss {

// logits float [classes, h, w] on the CPU: foreground minus background logit of each class. Resized
// to the image (align_corners = true), each pixel gets the class of highest foreground probability
// if that is at least `threshold` (0..1), the first of equals; `mask`'s memory is reused.
void mask_from_logits(const at::Tensor& logits, float threshold,
                      const std::vector<std::string>& names, int width, int height,
                      bool with_probabilities, Mask& mask);

}  // namespace cdfss
