// Random draws whose results do not depend on the standard library, unlike std::*_distribution and
// std::shuffle: the same seed gives the same episodes and augmentations everywhere.
#pragma once

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace cdfss {

// Uniform over 0 .. count - 1; count is 1 or more. Unbiased: draws in the incomplete last block of
// `count` numbers are drawn again.
inline std::uint64_t uniform_below(std::mt19937_64& generator, std::uint64_t count) {
  const std::uint64_t excess = (std::mt19937_64::max() % count + 1) % count;
  std::uint64_t value = generator();
  while (value > std::mt19937_64::max() - excess) {
    value = generator();
  }
  return value % count;
}

// Uniform over [low, high), in steps of 2^-53 of the range.
inline double uniform_real(std::mt19937_64& generator, double low, double high) {
  return low + (high - low) * (static_cast<double>(generator() >> 11) * 0x1.0p-53);
}

// True with probability p.
inline bool bernoulli(std::mt19937_64& generator, double p) {
  return uniform_real(generator, 0, 1) < p;
}

// Fisher-Yates.
template <typename T>
void shuffle(std::vector<T>& values, std::mt19937_64& generator) {
  for (std::size_t last = values.size(); last > 1; --last) {
    std::swap(values[last - 1], values[uniform_below(generator, last)]);
  }
}

}  // namespace cdfss
