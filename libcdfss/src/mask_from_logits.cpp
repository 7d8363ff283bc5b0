// One pass over the mask; nothing of the image's size is allocated but the mask itself.
#include "mask_from_logits.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "class_extent.h"
#include "tensor/axis_taps.h"
#include "tensor/cpu_versions.h"
#include "tensor/parallel.h"

namespace cdfss {
namespace {

constexpr int kRowsPerBlock = 32;  // measured together, so that sums do not depend on the threads

// Where the run of one value that starts at `begin` ends, before `end`. Looks at many at a time,
// since runs are mostly long.
CDFSS_INLINE int end_of_run(const std::uint8_t* values, int begin, int end) {
  constexpr int kAtOnce = 64;
  const std::uint8_t value = values[begin];
  int x = begin + 1;
  for (; x + kAtOnce <= end; x += kAtOnce) {
    std::uint8_t difference = 0;
    for (int i = 0; i < kAtOnce; ++i) difference |= values[x + i] ^ value;
    if (difference != 0) break;
  }
  while (x < end && values[x] == value) ++x;
  return x;
}

// Pixels between the logits a and b: `number` where its logit is at least `least` and the best. A
// function of its own, so that the compiler knows the arrays apart.
CDFSS_INLINE void keep_better(float a, float b, const float* __restrict share, int count,
                              float least, std::uint8_t number, float* __restrict best,
                              std::uint8_t* __restrict numbers) {
  for (int k = 0; k < count; ++k) {
    const float value = between(a, b, share[k]);
    const bool better = (value >= least) & (value > best[k]);
    best[k] = better ? value : best[k];
    numbers[k] = better ? number : numbers[k];
  }
}

// Resizes and decides row by row. One for each thread.
class RowDecider {
 public:
  RowDecider(const at::Tensor& logits, const AxisTaps& across, const AxisTaps& down, float least)
      : logits_(logits.const_data_ptr<float>()),
        classes_(logits.size(0)),
        height_(logits.size(1)),
        width_(logits.size(2)),
        across_(across),
        down_(down),
        least_(least),
        row_(width_),
        best_(across.share.size()) {
    for (std::size_t x = 0; x < across.first.size(); ++x) {
      if (x == 0 || across.first[x] != across.first[x - 1]) starts_.push_back(static_cast<int>(x));
    }
    starts_.push_back(static_cast<int>(across.first.size()));
  }

  // Class numbers of row `y`; `probabilities`, if not null, is that of the first class and
  // `plane` further on each next.
  CDFSS_INLINE void decide(int y, std::uint8_t* numbers, float* probabilities, std::int64_t plane,
                           std::vector<ClassExtent>& extents) {
    const int width = static_cast<int>(best_.size());
    int begin = width, end = 0;  // outside, no class reaches the threshold
    std::fill(best_.begin(), best_.end(), -std::numeric_limits<float>::infinity());
    std::fill_n(numbers, width, std::uint8_t{0});
    for (std::int64_t i = 0; i < classes_; ++i) {
      resize_down(i, y);
      for (std::size_t cell = 0; cell + 1 < starts_.size(); ++cell) {
        const int x = starts_[cell], next = starts_[cell + 1];
        const float a = row_[across_.first[x]], b = row_[across_.second[x]];
        if (probabilities != nullptr) sigmoids(x, next, a, b, probabilities + i * plane);
        // No value between two lies above both: most of a frame is decided here.
        if (std::max(a, b) < least_) continue;
        begin = std::min(begin, x);
        end = std::max(end, next);
        keep_better(a, b, across_.share.data() + x, next - x, least_,
                    static_cast<std::uint8_t>(i + 1), best_.data() + x, numbers + x);
      }
    }
    for (int x = begin, next; x < end; x = next) {
      next = end_of_run(numbers, x, end);
      if (numbers[x] != 0) extents[numbers[x] - 1].add_run(x, next, y, best_.data());
    }
  }

 private:
  CDFSS_INLINE void resize_down(std::int64_t index, int y) {
    const float* upper = logits_ + (index * height_ + down_.first[y]) * width_;
    const float* lower = logits_ + (index * height_ + down_.second[y]) * width_;
    for (std::int64_t x = 0; x < width_; ++x) row_[x] = between(upper[x], lower[x], down_.share[y]);
  }

  CDFSS_INLINE void sigmoids(int x, int end, float a, float b, float* probabilities) const {
    for (; x < end; ++x) {
      probabilities[x] = 1.0F / (1.0F + std::exp(-between(a, b, across_.share[x])));
    }
  }

  const float* logits_;
  std::int64_t classes_, height_, width_;
  const AxisTaps &across_, &down_;
  float least_;
  std::vector<float> row_;   // one class's logits, resized down
  std::vector<float> best_;  // of the frame's width: logit of the best class so far
  std::vector<int> starts_;  // of the runs of pixels between the same two logits, and the end
};

struct DecideRow {
  CDFSS_INLINE void operator()(RowDecider* rows, int y, std::uint8_t* numbers, float* probabilities,
                               std::int64_t plane, std::vector<ClassExtent>* extents) const {
    rows->decide(y, numbers, probabilities, plane, *extents);
  }
};

}  // namespace

void mask_from_logits(const at::Tensor& logits, float threshold,
                      const std::vector<std::string>& names, int width, int height,
                      bool with_probabilities, Mask& mask) {
  const at::Tensor values = logits.to(at::kFloat).contiguous();
  const AxisTaps across = AxisTaps::aligned_corners(static_cast<int>(values.size(2)), width);
  const AxisTaps down = AxisTaps::aligned_corners(static_cast<int>(values.size(1)), height);
  const auto plane = static_cast<std::int64_t>(width) * height;
  mask.width = width;
  mask.height = height;
  mask.classes.resize(static_cast<std::size_t>(plane));
  mask.probabilities.resize(with_probabilities ? names.size() * static_cast<std::size_t>(plane)
                                               : 0);
  float* const probabilities = with_probabilities ? mask.probabilities.data() : nullptr;

  const int blocks = (height + kRowsPerBlock - 1) / kRowsPerBlock;
  std::vector<std::vector<ClassExtent>> extents(blocks, std::vector<ClassExtent>(names.size()));
  at::parallel_for(0, blocks, 1, [&](std::int64_t first, std::int64_t last) {
    RowDecider rows(values, across, down, least_logit(threshold));
    for (std::int64_t block = first; block < last; ++block) {
      const int end = std::min((static_cast<int>(block) + 1) * kRowsPerBlock, height);
      for (int y = static_cast<int>(block) * kRowsPerBlock; y < end; ++y) {
        const std::int64_t start = static_cast<std::int64_t>(y) * width;
        on_this_cpu<DecideRow{}>(&rows, y, mask.classes.data() + start,
                                 probabilities == nullptr ? nullptr : probabilities + start, plane,
                                 &extents[block]);
      }
    }
  });
  mask.regions.clear();
  for (std::size_t i = 0; i < names.size(); ++i) {
    ClassExtent extent;
    for (const std::vector<ClassExtent>& block : extents) extent.add(block[i]);
    mask.regions.push_back(extent.region(names[i]));
  }
}

}  // namespace cdfss
