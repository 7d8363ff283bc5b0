// A mean that follows its values, for curves and progress lines.
#pragma once

#include <cmath>

namespace cdfss {

// Exponentially weighted, the latest value with 1/20; over the first few values a plain mean,
// instead of leaning on the very first. Values that are not finite do not count.
class RunningMean {
 public:
  // The mean with it; 0 before any value.
  double add(double value) {
    if (std::isfinite(value)) {
      sum_ = kKept * sum_ + value;
      weight_ = kKept * weight_ + 1;
    }
    return weight_ > 0 ? sum_ / weight_ : 0;
  }

 private:
  static constexpr double kKept = 0.95;
  double sum_ = 0, weight_ = 0;
};

}  // namespace cdfss
