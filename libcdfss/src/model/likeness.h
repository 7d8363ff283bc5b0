// Where an image is like a class's support set (SPEC A7, and the prior's two cosines), from what a
// 1x1 convolution with all the unit vectors of that set makes of it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace cdfss {

// How many unit vectors there are of each kind, in this order; the latter two are both 0 without
// the prior.
struct DirectionCounts {
  std::int64_t prototypes = 0, object = 0, background = 0;

  std::int64_t all() const { return prototypes + object + background; }
};

struct Likeness {
  at::Tensor choice;      // [1, prototypes, h, w]: 1 at each pixel's nearest prototype, else 0
  at::Tensor similarity;  // [1, 1 or 3, h, w]: sum of cosines, and the prior's two cosines
  // float [1, 1, h, w]: how much greater the object's greatest cosine is than the background's;
  // undefined without the prior.
  at::Tensor margin;
};

// `features` [1, C, h, w], float or half precision, and their products with the unit vectors,
// `scores` [1, counts.all(), h, w] of the same type, which choice and similarity have, too. Cosines
// are computed in float32.
Likeness likeness(const at::Tensor& features, const at::Tensor& scores,
                  const DirectionCounts& counts);

}  // namespace cdfss
