#include "region_paint.h"

#include <algorithm>

namespace cdfss {

int contour_thickness(int height) { return std::max(1, (height + 180) / 360); }

void RegionPaint::begin(const Mask& mask, const std::vector<Ink>& inks, int opacity,
                        bool contours) {
  mask_ = &mask;
  inks_ = &inks;
  opacity_ = opacity;
  thickness_ = contours ? contour_thickness(mask.height) : 0;
  y_ = 0;
  boundary_.assign(mask.width, -thickness_);
  for (int y = 1; y < std::min(thickness_, mask.height); ++y) look_at(y);
}

// boundary_[x] is the lowest row so far whose class differs from the row's above it, looking
// `thickness_` rows ahead. A pixel is within `thickness_` of a change in its column exactly if that
// row lies in (y - thickness_, y + thickness_]: one comparison a pixel, however thick the contour.
void RegionPaint::look_at(int y) {
  const std::uint8_t* row = mask_->classes.data() + std::ptrdiff_t{y} * mask_->width;
  const std::uint8_t* above = row - mask_->width;
  for (int x = 0; x < mask_->width; ++x) {
    if (row[x] != above[x]) boundary_[x] = y;
  }
}

void RegionPaint::next(PaintRow& row) {
  const int width = mask_->width;
  if (thickness_ > 0 && y_ + thickness_ < mask_->height) look_at(y_ + thickness_);
  const std::uint8_t* classes = mask_->classes.data() + std::ptrdiff_t{y_} * width;
  for (int begin = 0, end; begin < width; begin = end) {
    const std::uint8_t index = classes[begin];
    end = static_cast<int>(
        std::find_if(classes + begin, classes + width, [&](auto c) { return c != index; }) -
        classes);
    if (index == 0) {
      std::fill(row.begin() + begin, row.begin() + end, Paint{});
      continue;
    }
    const Paint tint{(*inks_)[index], static_cast<std::uint16_t>(opacity_)};
    const Paint solid{tint.ink, 256};
    const int inner_begin = begin == 0 ? 0 : begin + thickness_;
    const int inner_end = end == width ? width : end - thickness_;
    for (int x = begin; x < end; ++x) {
      const bool contour = x < inner_begin || x >= inner_end || boundary_[x] > y_ - thickness_;
      row[x] = contour && thickness_ > 0 ? solid : tint;
    }
  }
  ++y_;
}

}  // namespace cdfss
