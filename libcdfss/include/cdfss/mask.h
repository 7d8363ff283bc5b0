// The result of segmenting one image.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cdfss {

// One class in a result, in the image's pixels.
struct ClassRegion {
  std::string name;
  std::int64_t area = 0;                    // pixels of this class
  int x = 0, y = 0, width = 0, height = 0;  // tight bounding box; all 0 when area is 0
  float score = 0;  // foreground probability 0..1 at the mean logit of its pixels; 0 when area is 0
};

struct Mask {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> classes;  // height x width, row-major: 0 = none, i = regions[i - 1]
  std::vector<ClassRegion> regions;   // one a class of the support set, in its order
  // Foreground probability 0..1 of each class, [classes][height][width]; filled only on request.
  std::vector<float> probabilities;
};

}  // namespace cdfss
