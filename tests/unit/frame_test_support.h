// Frames of every format for tests.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "cdfss/image.h"

namespace cdfss::testing {

inline constexpr std::array kAllFormats{PixelFormat::kRgb,  PixelFormat::kBgr,  PixelFormat::kRgbx,
                                        PixelFormat::kBgrx, PixelFormat::kRgba, PixelFormat::kBgra,
                                        PixelFormat::kNv12, PixelFormat::kI420};

// Random bytes as a picture of that size, each plane's rows 5 bytes longer than need be.
struct Noise {
  at::Tensor bytes;
  ImageView view;

  Noise(PixelFormat format, int width, int height) {
    constexpr int kPadding = 5;
    const int chroma_width = (width + 1) / 2, chroma_height = (height + 1) / 2;
    view = {.format = format, .width = width, .height = height};
    const int bytes_each = bytes_per_pixel(format);
    std::vector<std::pair<int, int>> planes{{width * std::max(bytes_each, 1), height}};
    if (format == PixelFormat::kNv12) planes.push_back({2 * chroma_width, chroma_height});
    if (format == PixelFormat::kI420) planes.insert(planes.end(), 2, {chroma_width, chroma_height});
    std::int64_t size = 0;
    for (const auto& [row, rows] : planes) size += std::int64_t{row + kPadding} * rows;
    bytes = at::randint(0, 256, {size}, at::kByte);
    const std::uint8_t* start = bytes.const_data_ptr<std::uint8_t>();
    for (std::size_t i = 0; i < planes.size(); ++i) {
      view.planes[i] = start;
      view.strides[i] = planes[i].first + kPadding;
      start += view.strides[i] * planes[i].second;
    }
  }
};

}  // namespace cdfss::testing
