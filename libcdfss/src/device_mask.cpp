// Class by class, so that memory does not grow with the classes. Every operation is one that
// neither waits for the device nor depends on what it finds.
#include "device_mask.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "class_extent.h"
#include "tensor/device_stream.h"

namespace cdfss {
namespace {

constexpr std::int64_t kMeasures = 6;  // of a class: area, left, top, right, bottom, sum of logits

// Least and greatest of `places` that are marked; INT_MAX and -1 where none is.
std::pair<at::Tensor, at::Tensor> range(const at::Tensor& places, const at::Tensor& marked) {
  const at::Tensor others = marked.logical_not();
  return {places.masked_fill(others, std::numeric_limits<int>::max()).min(),
          places.masked_fill(others, -1).max()};
}

ClassExtent extent_of(const double* measures) {
  ClassExtent extent;
  extent.area = static_cast<std::int64_t>(measures[0]);
  extent.left = static_cast<int>(measures[1]);
  extent.top = static_cast<int>(measures[2]);
  extent.right = static_cast<int>(measures[3]);
  extent.bottom = static_cast<int>(measures[4]);
  extent.logits = measures[5];
  return extent;
}

}  // namespace

const DeviceMask::Geometry& DeviceMask::geometry_for(const at::Tensor& logits, int width,
                                                     int height) {
  const std::int64_t from_width = logits.size(2), from_height = logits.size(1);
  if (!geometry_ || geometry_->width != width || geometry_->height != height ||
      geometry_->logits_width != from_width || geometry_->logits_height != from_height) {
    const auto taps = [&](std::int64_t from, int to) {
      return DeviceTaps(AxisTaps::aligned_corners(static_cast<int>(from), to), logits.device());
    };
    const auto places = at::TensorOptions().dtype(at::kLong).device(logits.device());
    geometry_.emplace(Geometry{.logits_width = from_width,
                               .logits_height = from_height,
                               .width = width,
                               .height = height,
                               .across = taps(from_width, width),
                               .down = taps(from_height, height),
                               .columns = at::arange(width, places),
                               .rows = at::arange(height, places)});
  }
  return *geometry_;
}

void DeviceMask::read(const at::Tensor& logits, float threshold,
                      const std::vector<std::string>& names, int width, int height,
                      bool with_probabilities, Mask& mask) {
  const Geometry& geometry = geometry_for(logits, width, height);
  const auto classes = static_cast<std::int64_t>(names.size());
  const std::int64_t plane = std::int64_t{width} * height;
  mask.width = width;
  mask.height = height;
  mask.classes.resize(static_cast<std::size_t>(plane));
  mask.probabilities.resize(with_probabilities ? names.size() * static_cast<std::size_t>(plane)
                                               : 0);

  const DeviceTaps &down = geometry.down, &across = geometry.across;
  const at::Tensor down_share = down.share.unsqueeze(1);
  const auto resized = [&](const at::Tensor& values) {  // [h, w] -> [height, width]
    const at::Tensor tall = between(values.index_select(0, down.first),
                                    values.index_select(0, down.second), down_share);
    return between(tall.index_select(1, across.first), tall.index_select(1, across.second),
                   across.share);
  };
  const float least = least_logit(threshold);
  at::Tensor best = at::full({height, width}, -std::numeric_limits<float>::infinity(),
                             logits.options().dtype(at::kFloat));
  const at::Tensor numbers = at::zeros({height, width}, logits.options().dtype(at::kByte));
  for (std::int64_t i = 0; i < classes; ++i) {
    const at::Tensor values = resized(logits[i].to(at::kFloat));
    const at::Tensor better = values.ge(least).logical_and_(values.gt(best));
    numbers.masked_fill_(better, i + 1);
    best = at::where(better, values, best);
    if (with_probabilities) {
      at::from_blob(mask.probabilities.data() + i * plane, {height, width}, at::kFloat)
          .copy_(values.sigmoid());
    }
  }

  const at::Tensor bounded = best.clamp(-kSurest, kSurest);
  std::vector<at::Tensor> measures;
  for (std::int64_t i = 0; i < classes; ++i) {
    const at::Tensor inside = numbers.eq(i + 1);
    const auto [left, right] = range(geometry.columns, inside.any(0));
    const auto [top, bottom] = range(geometry.rows, inside.any(1));
    const at::Tensor sum = bounded.masked_fill(inside.logical_not(), 0.0).sum(at::kDouble);
    for (const at::Tensor& measure : {inside.sum(), left, top, right, bottom, sum}) {
      measures.push_back(measure.to(at::kDouble));
    }
  }
  const at::Tensor found =
      at::cat({at::stack(measures).view(at::kByte), numbers.flatten()});  // uint8
  const at::Tensor staged = staging_.bytes(found.numel());
  staged.copy_(found, /*non_blocking=*/true);
  current_stream(logits.device()).synchronize();

  const auto* bytes = staged.const_data_ptr<std::uint8_t>();
  std::vector<double> values(static_cast<std::size_t>(classes * kMeasures));
  std::memcpy(values.data(), bytes, values.size() * sizeof(double));
  std::copy_n(bytes + values.size() * sizeof(double), plane, mask.classes.data());
  mask.regions.clear();
  for (std::size_t i = 0; i < names.size(); ++i) {
    mask.regions.push_back(extent_of(values.data() + i * kMeasures).region(names[i]));
  }
}

}  // namespace cdfss
