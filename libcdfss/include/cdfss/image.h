// Images as callers hold them: views on foreign memory, and one owning type.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cdfss/export.h"

namespace cdfss {

// 8 bits a channel. The packed formats are named by byte order in memory.
enum class PixelFormat { kRgb, kBgr, kRgbx, kBgrx, kRgba, kBgra, kNv12, kI420 };

// How Y'CbCr becomes RGB; ignored by the packed formats.
enum class YuvMatrix { kBt601, kBt709, kBt2020 };

// A read-only view of an image; owns nothing, the memory must outlive the call it is given to.
// Packed formats use plane 0. NV12: plane 0 = Y, plane 1 = interleaved CbCr. I420: Y, Cb, Cr.
// Chroma planes are ceil(width/2) x ceil(height/2). Strides are in bytes, at least a row's length.
struct ImageView {
  PixelFormat format = PixelFormat::kRgb;
  int width = 0;   // pixels, 1 or more
  int height = 0;  // pixels, 1 or more
  std::array<const std::uint8_t*, 3> planes{};
  std::array<std::ptrdiff_t, 3> strides{};
  YuvMatrix matrix = YuvMatrix::kBt601;
  bool full_range = false;  // Y'CbCr 0..255 instead of 16..235 / 16..240
};

// Number of planes of a format: 1, 2 (NV12) or 3 (I420).
CDFSS_EXPORT int plane_count(PixelFormat format);
// Bytes a pixel of a packed format: 3 or 4; 0 for NV12 and I420.
CDFSS_EXPORT int bytes_per_pixel(PixelFormat format);

// Throws Error(kInvalidValue) that names the first thing wrong: size, null plane or short stride.
CDFSS_EXPORT void validate(const ImageView& view);

// An RGB image that owns its bytes: height x width x 3, row-major, no padding.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> pixels;

  ImageView view() const {
    return {.format = PixelFormat::kRgb,
            .width = width,
            .height = height,
            .planes = {pixels.data(), nullptr, nullptr},
            .strides = {std::ptrdiff_t{3} * width, 0, 0}};
  }
};

}  // namespace cdfss
