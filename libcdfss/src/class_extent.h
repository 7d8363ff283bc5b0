// What is known of a class's pixels, and the region that they make.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>

#include "cdfss/mask.h"

namespace cdfss {

// Logit at which a pixel counts no more in its class's mean; a probability of 0 or 1 would make a
// mean infinite.
constexpr float kSurest = 30.0F;

// Least logit whose sigmoid reaches the threshold: +-infinity at 1 and 0.
inline float least_logit(float threshold) { return std::log(threshold) - std::log1p(-threshold); }

// A class's pixels in some rows.
struct ClassExtent {
  std::int64_t area = 0;
  int left = std::numeric_limits<int>::max(), top = left, right = -1, bottom = -1;
  double logits = 0;  // sum, each bounded by kSurest

  // Pixels `begin` to `end` of row `y`; `values` are those of the row.
  void add_run(int begin, int end, int y, const float* values) {
    area += end - begin;
    left = std::min(left, begin);
    top = std::min(top, y);
    right = std::max(right, end - 1);
    bottom = y;
    std::array<float, 16> sums{};  // side by side, for the compiler to add several at a time
    const int whole = begin + (end - begin) / 16 * 16;
    for (int x = begin; x < whole; x += 16) {
      for (int i = 0; i < 16; ++i) sums[i] += std::clamp(values[x + i], -kSurest, kSurest);
    }
    for (int x = whole; x < end; ++x) sums[0] += std::clamp(values[x], -kSurest, kSurest);
    logits += std::accumulate(sums.begin(), sums.end(), 0.0F);
  }
  void add(const ClassExtent& below) {
    area += below.area;
    left = std::min(left, below.left);
    top = std::min(top, below.top);
    right = std::max(right, below.right);
    bottom = std::max(bottom, below.bottom);
    logits += below.logits;
  }

  ClassRegion region(const std::string& name) const {
    ClassRegion region{.name = name, .area = area};
    if (area == 0) return region;
    region.x = left;
    region.y = top;
    region.width = right - left + 1;
    region.height = bottom - top + 1;
    const double mean = logits / static_cast<double>(area);
    region.score = static_cast<float>(1 / (1 + std::exp(-mean)));
    return region;
  }
};

}  // namespace cdfss
