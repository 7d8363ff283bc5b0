// Pictures and buffers of every format that the element takes.
#pragma once

#include <gst/video/video.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "cdfss/image.h"

namespace cdfss {

inline const std::vector<std::string> kPackedFormats{"RGB", "BGR", "RGBx", "BGRx", "RGBA", "BGRA"};
inline const std::vector<std::string> kYuvFormats{"NV12", "I420"};
inline const std::vector<std::string> kAllFormats{"RGB",  "BGR",  "RGBx", "BGRx",
                                                  "RGBA", "BGRA", "NV12", "I420"};

// Bytes that no picture's pixel is made of: row padding and fourth bytes.
inline constexpr std::uint8_t kFiller = 0xA5;

// A picture with gradients and shapes; `phase` moves them.
Image make_picture(int width, int height, int phase = 0);

// The picture as Y', Cb and Cr planes at half chroma resolution: BT.601, 16..235.
struct YuvPicture {
  int width = 0;
  int height = 0;
  std::array<std::vector<std::uint8_t>, 3> planes;

  int chroma_width() const { return (width + 1) / 2; }
  int chroma_height() const { return (height + 1) / 2; }
  ImageView view() const;                   // as I420
  std::vector<std::uint8_t> bytes() const;  // the planes, one after another
};
YuvPicture to_yuv(const Image& picture);

bool is_yuv(const std::string& format);

std::string caps_text(const std::string& format, int width, int height);

// The picture as a buffer in that format; with `padding` bytes more a row it carries a GstVideoMeta
// with an offset of 8 bytes before every plane.
GstBuffer* make_buffer(const Image& picture, const std::string& format, int padding = 0);
// The same for NV12 and I420.
GstBuffer* make_buffer(const YuvPicture& picture, const std::string& format, int padding = 0);

// What a buffer shows, without padding: red, green, blue of packed formats, the bytes of GRAY8, Y'
// then Cb then Cr of NV12 and I420. Checks that padding and fourth bytes are kFiller if `filled`.
std::vector<std::uint8_t> read_buffer(GstBuffer* buffer, const std::string& format, int width,
                                      int height, bool filled = false);

// The fourth byte of every pixel of RGBA and BGRA.
std::vector<std::uint8_t> read_alpha(GstBuffer* buffer, const std::string& format, int width,
                                     int height);

}  // namespace cdfss
