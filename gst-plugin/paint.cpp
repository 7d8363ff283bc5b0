#include "paint.h"

#include <algorithm>
#include <array>
#include <utility>

namespace cdfss {
namespace {

// The bytes of a pixel; the first `inked` of them get an ink, the others stay as they are.
struct PixelBytes {
  int count, inked;
  std::array<std::uint8_t, 4> inks;
};

// Blends `count` bytes from a pixel's first on, as many at a time as all pixel sizes divide: the
// compiler does them together. keep * byte + add stays below 2^16.
void blend_bytes(std::uint8_t* __restrict bytes, std::ptrdiff_t count, const PixelBytes& pixel,
                 int opacity) {
  constexpr int kAtOnce = 48;
  std::array<std::uint16_t, kAtOnce> keep, add;
  for (int start = 0; start < std::min<std::ptrdiff_t>(count, kAtOnce); start += pixel.count) {
    for (int i = 0; i < pixel.count; ++i) {
      const int laid = i < pixel.inked ? opacity : 0;
      keep[start + i] = static_cast<std::uint16_t>(256 - laid);
      add[start + i] = static_cast<std::uint16_t>(pixel.inks[i] * laid + 128);
    }
  }
  const auto blended = [&](std::uint8_t byte, int i) {
    return static_cast<std::uint8_t>(static_cast<std::uint16_t>(byte * keep[i] + add[i]) >> 8);
  };
  for (; count >= kAtOnce; count -= kAtOnce, bytes += kAtOnce) {
    for (int i = 0; i < kAtOnce; ++i) bytes[i] = blended(bytes[i], i);
  }
  for (int i = 0; i < count; ++i) bytes[i] = blended(bytes[i], i);
}

void blend_packed(const PaintRow& row, int y, const Canvas& canvas) {
  const int bytes = bytes_per_pixel(canvas.format);
  const bool blue_first = canvas.format == PixelFormat::kBgr ||
                          canvas.format == PixelFormat::kBgrx ||
                          canvas.format == PixelFormat::kBgra;
  for (const PaintSpan& span : row) {
    auto [first, green, last] = span.paint.ink;
    if (blue_first) std::swap(first, last);
    blend_bytes(canvas.row(0, y) + std::ptrdiff_t{bytes} * span.begin,
                std::ptrdiff_t{bytes} * (span.end - span.begin), {bytes, 3, {first, green, last}},
                span.paint.opacity);
  }
}

void blend_luma(const PaintRow& row, int y, const Canvas& canvas) {
  for (const PaintSpan& span : row) {
    blend_bytes(canvas.row(0, y) + span.begin, span.end - span.begin, {1, 1, {span.paint.ink[0]}},
                span.paint.opacity);
  }
}

// A row's paint, asked for from left to right.
class PaintCursor {
 public:
  PaintCursor(const PaintRow& row, int width)
      : next_(row.begin()), end_(row.end()), width_(width) {}

  const Paint& at(int x) {
    while (next_ != end_ && next_->end <= x) ++next_;
    return next_ != end_ && next_->begin <= x ? next_->paint : nothing_;
  }
  // Where the paint at `x`, the last one asked for, ends.
  int end_of_run(int x) const {
    if (next_ == end_) return width_;
    return next_->begin <= x ? next_->end : next_->begin;
  }

 private:
  PaintRow::const_iterator next_, end_;
  int width_;
  Paint nothing_;
};

// The chroma samples of one or two rows.
class ChromaBlend {
 public:
  ChromaBlend(int y, const Canvas& canvas) : interleaved_(canvas.format == PixelFormat::kNv12) {
    blue_ = canvas.row(1, y / 2);
    red_ = interleaved_ ? blue_ + 1 : canvas.row(2, y / 2);
  }

  // Samples whose pixels all have the same paint: it is theirs, too.
  void run(int begin, int end, const Paint& paint) const {
    if (paint.opacity == 0) return;
    if (interleaved_) {
      blend_bytes(blue_ + 2 * std::ptrdiff_t{begin}, 2 * std::ptrdiff_t{end - begin},
                  {2, 2, {paint.ink[1], paint.ink[2]}}, paint.opacity);
      return;
    }
    blend_bytes(blue_ + begin, end - begin, {1, 1, {paint.ink[1]}}, paint.opacity);
    blend_bytes(red_ + begin, end - begin, {1, 1, {paint.ink[2]}}, paint.opacity);
  }

  // One sample of four pixels.
  void sample(int index, const std::array<Paint, 4>& paints) const {
    int opacity = 0, blue = 0, red = 0;
    for (const Paint& paint : paints) {
      opacity += paint.opacity;
      blue += paint.ink[1] * paint.opacity;
      red += paint.ink[2] * paint.opacity;
    }
    const auto mean = [&](std::uint8_t value, int ink) {
      return static_cast<std::uint8_t>((value * (1024 - opacity) + ink + 512) >> 10);
    };
    const std::ptrdiff_t offset = std::ptrdiff_t{index} * (interleaved_ ? 2 : 1);
    blue_[offset] = mean(blue_[offset], blue);
    red_[offset] = mean(red_[offset], red);
  }

 private:
  bool interleaved_;
  std::uint8_t *blue_, *red_;
};

// A sample at an odd edge has fewer pixels, and the same mean as if they were there twice.
void blend_chroma(const PaintRow& upper_row, const PaintRow& lower_row, int y,
                  const Canvas& canvas) {
  const ChromaBlend chroma(y, canvas);
  const int width = canvas.width;
  PaintCursor upper(upper_row, width), lower(lower_row, width);
  for (int x = 0; x < width;) {
    const Paint above = upper.at(x), below = lower.at(x);
    int end = std::min(upper.end_of_run(x), lower.end_of_run(x));
    if (end < width) end -= end % 2;
    if (above == below && end > x) {
      chroma.run(x / 2, (end + 1) / 2, above);
      x = end;
      continue;
    }
    const int right = std::min(x + 1, width - 1);
    chroma.sample(x / 2, {above, upper.at(right), below, lower.at(right)});
    x += 2;
  }
}

}  // namespace

void cover(PaintRow& row, const PaintRow& spans) {
  if (spans.empty()) return;
  const int begin = spans.front().begin, end = spans.back().end;
  PaintRow result;
  for (const PaintSpan& span : row) {
    if (span.begin < begin) result.push_back({span.begin, std::min(span.end, begin), span.paint});
  }
  result.insert(result.end(), spans.begin(), spans.end());
  for (const PaintSpan& span : row) {
    if (span.end > end) result.push_back({std::max(span.begin, end), span.end, span.paint});
  }
  row = std::move(result);
}

void blend_rows(const PaintRow& upper, const PaintRow& lower, int y, const Canvas& canvas) {
  const bool has_lower = y + 1 < canvas.height;
  if (bytes_per_pixel(canvas.format) != 0) {
    blend_packed(upper, y, canvas);
    if (has_lower) blend_packed(lower, y + 1, canvas);
    return;
  }
  blend_luma(upper, y, canvas);
  if (has_lower) blend_luma(lower, y + 1, canvas);
  blend_chroma(upper, has_lower ? lower : upper, y, canvas);
}

}  // namespace cdfss
