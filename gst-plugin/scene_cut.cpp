#include "scene_cut.h"

#include <algorithm>
#include <utility>

namespace cdfss {
namespace {

constexpr int kSamplesASide = 64;

int brightness(const ImageView& frame, int x, int y) {
  const std::uint8_t* row = frame.planes[0] + y * frame.strides[0];
  const int step = bytes_per_pixel(frame.format);
  if (step == 0) return row[x];
  const std::uint8_t* pixel = row + std::ptrdiff_t{x} * step;
  return (pixel[0] + 2 * pixel[1] + pixel[2]) / 4;
}

}  // namespace

bool SceneCut::is_cut(const ImageView& frame) {
  std::array<int, kBins> histogram{};
  const int columns = std::min(kSamplesASide, frame.width);
  const int rows = std::min(kSamplesASide, frame.height);
  for (int j = 0; j < rows; ++j) {
    for (int i = 0; i < columns; ++i) {
      const int value = brightness(frame, i * frame.width / columns, j * frame.height / rows);
      ++histogram[value * kBins / 256];
    }
  }
  int common = 0;
  for (int bin = 0; bin < kBins; ++bin) common += std::min(histogram[bin], histogram_[bin]);
  const bool other_frames =
      frame.width != width_ || frame.height != height_ || frame.format != format_;
  width_ = frame.width;
  height_ = frame.height;
  format_ = frame.format;
  histogram_ = histogram;
  return other_frames || 2 * common < columns * rows;
}

}  // namespace cdfss
