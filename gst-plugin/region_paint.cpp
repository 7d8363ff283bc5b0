#include "region_paint.h"

#include <algorithm>
#include <cstring>

namespace cdfss {
namespace {

// The first of [begin, end) that is so, or end. Looks at many at a time, since what is sought is
// mostly far away.
template <typename Predicate>
int first_where(int begin, int end, Predicate is_so) {
  constexpr int kAtOnce = 64;
  for (; begin + kAtOnce <= end; begin += kAtOnce) {
    unsigned any = 0;
    for (int i = 0; i < kAtOnce; ++i) any |= is_so(begin + i) ? 1U : 0U;
    if (any != 0) break;
  }
  while (begin < end && !is_so(begin)) ++begin;
  return begin;
}

}  // namespace

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
  constexpr int kAtOnce = 64;  // nearly all are the same
  for (int begin = 0; begin < mask_->width; begin += kAtOnce) {
    const int count = std::min(kAtOnce, mask_->width - begin);
    if (std::memcmp(row + begin, above + begin, count) == 0) continue;
    for (int x = begin; x < begin + count; ++x)
      boundary_[x] = row[x] != above[x] ? y : boundary_[x];
  }
}

// Pixels [begin, end) of one class.
void RegionPaint::add_region(int begin, int end, const Ink& ink, PaintRow& row) const {
  const Paint tint{ink, static_cast<std::uint16_t>(opacity_)};
  const Paint solid{ink, 256};
  const auto add = [&](int from, int to, const Paint& paint) {
    if (from == to || paint.opacity == 0) return;
    if (!row.empty() && row.back().end == from && row.back().paint == paint) {
      row.back().end = to;
    } else {
      row.push_back({from, to, paint});
    }
  };
  if (thickness_ == 0) return add(begin, end, tint);
  const int left = begin == 0 ? 0 : std::min(begin + thickness_, end);
  const int right = end == mask_->width ? end : std::max(end - thickness_, left);
  const auto is_contour = [&](int x) { return boundary_[x] > y_ - thickness_; };
  add(begin, left, solid);
  for (int x = left; x < right;) {
    const int contour = first_where(x, right, is_contour);
    add(x, contour, tint);
    x = contour;
    while (x < right && is_contour(x)) ++x;
    add(contour, x, solid);
  }
  add(right, end, solid);
}

void RegionPaint::next(PaintRow& row) {
  row.clear();
  const int width = mask_->width;
  if (thickness_ > 0 && y_ + thickness_ < mask_->height) look_at(y_ + thickness_);
  const std::uint8_t* classes = mask_->classes.data() + std::ptrdiff_t{y_} * width;
  for (int begin = 0, end; begin < width; begin = end) {
    const std::uint8_t index = classes[begin];
    end = first_where(begin, width, [&](int x) { return classes[x] != index; });
    if (index != 0) add_region(begin, end, (*inks_)[index], row);
  }
  ++y_;
}

}  // namespace cdfss
