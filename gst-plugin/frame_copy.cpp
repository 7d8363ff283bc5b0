#include "frame_copy.h"

#include <cstring>

namespace cdfss {

void FrameCopy::assign(const ImageView& frame) {
  struct Size {
    std::ptrdiff_t row;
    int rows;
  };
  const std::ptrdiff_t chroma = (frame.width + 1) / 2;
  const int step = bytes_per_pixel(frame.format);
  const auto size_of = [&](int plane) -> Size {
    if (plane == 0) return {std::ptrdiff_t{frame.width} * (step == 0 ? 1 : step), frame.height};
    return {frame.format == PixelFormat::kNv12 ? 2 * chroma : chroma, (frame.height + 1) / 2};
  };
  const int planes = plane_count(frame.format);
  std::ptrdiff_t total = 0;
  for (int i = 0; i < planes; ++i) total += size_of(i).row * size_of(i).rows;
  bytes_.resize(static_cast<std::size_t>(total));

  view_ = frame;
  std::uint8_t* target = bytes_.data();
  for (int i = 0; i < planes; ++i) {
    const auto [row, rows] = size_of(i);
    view_.planes[i] = target;
    view_.strides[i] = row;
    for (int y = 0; y < rows; ++y, target += row) {
      std::memcpy(target, frame.planes[i] + y * frame.strides[i], static_cast<std::size_t>(row));
    }
  }
}

}  // namespace cdfss
