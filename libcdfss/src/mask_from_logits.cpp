// One pass over the mask; nothing of the image's size is allocated but the mask itself.
#include "mask_from_logits.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "class_extent.h"
#include "tensor/axis_taps.h"

namespace cdfss {
namespace {

constexpr int kRowsPerBlock = 32;  // measured together, so that sums do not depend on the threads

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
        best_(across.share.size()),
        index_(across.share.size()) {
    for (std::size_t x = 0; x < across.first.size(); ++x) {
      if (x == 0 || across.first[x] != across.first[x - 1]) starts_.push_back(static_cast<int>(x));
    }
    starts_.push_back(static_cast<int>(across.first.size()));
  }

  // Class numbers of row `y`; `probabilities`, if not null, is that of the first class and
  // `plane` further on each next.
  void decide(int y, std::uint8_t* numbers, float* probabilities, std::int64_t plane,
              std::vector<ClassExtent>& extents) {
    const int width = static_cast<int>(best_.size());
    int begin = width, end = 0;  // outside, no class reaches the threshold
    std::fill(best_.begin(), best_.end(), -std::numeric_limits<float>::infinity());
    std::fill(index_.begin(), index_.end(), 0);
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
        const int number = static_cast<int>(i) + 1;
        for (int k = x; k < next; ++k) {
          const float value = between(a, b, across_.share[k]);
          const bool better = (value >= least_) & (value > best_[k]);
          best_[k] = better ? value : best_[k];
          index_[k] = better ? number : index_[k];
        }
      }
    }
    std::fill_n(numbers, width, std::uint8_t{0});
    for (int x = begin, next; x < end; x = next) {
      const int number = index_[x];
      for (next = x + 1; next < end && index_[next] == number;) ++next;
      if (number == 0) continue;
      std::fill(numbers + x, numbers + next, static_cast<std::uint8_t>(number));
      extents[number - 1].add_run(x, next, y, best_.data());
    }
  }

 private:
  void resize_down(std::int64_t index, int y) {
    const float* upper = logits_ + (index * height_ + down_.first[y]) * width_;
    const float* lower = logits_ + (index * height_ + down_.second[y]) * width_;
    for (std::int64_t x = 0; x < width_; ++x) row_[x] = between(upper[x], lower[x], down_.share[y]);
  }

  void sigmoids(int x, int end, float a, float b, float* probabilities) const {
    for (; x < end; ++x) {
      probabilities[x] = 1.0F / (1.0F + std::exp(-between(a, b, across_.share[x])));
    }
  }

  const float* logits_;
  std::int64_t classes_, height_, width_;
  const AxisTaps &across_, &down_;
  float least_;
  std::vector<float> row_;   // one class's logits, resized down
  std::vector<float> best_;  // of the frame's width: logit and number of the best class so far
  std::vector<int> index_;
  std::vector<int> starts_;  // of the runs of pixels between the same two logits, and the end
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
        rows.decide(y, mask.classes.data() + start,
                    probabilities == nullptr ? nullptr : probabilities + start, plane,
                    extents[block]);
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
