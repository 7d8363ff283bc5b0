#include "pictures.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace cdfss {
namespace {

// How the bytes of a packed format lie.
struct Packing {
  int bytes;
  bool blue_first;
};

Packing packing_of(const std::string& format) {
  if (format == "GRAY8") return {1, false};
  return {static_cast<int>(format.size()), format[0] == 'B'};
}

// Rows of bytes as they are stored: one entry a plane.
struct Plane {
  int row_bytes;
  std::vector<std::uint8_t> bytes;  // without padding
};

GstBuffer* lay_out(const std::vector<Plane>& planes, const std::string& format, int width,
                   int height, int padding) {
  const GstVideoFormat name = gst_video_format_from_string(format.c_str());
  GstVideoInfo info;
  gst_video_info_set_format(&info, name, width, height);
  gsize offsets[GST_VIDEO_MAX_PLANES] = {};
  gint strides[GST_VIDEO_MAX_PLANES] = {};
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < planes.size(); ++i) {
    const Plane& plane = planes[i];
    const auto rows = static_cast<int>(plane.bytes.size() / plane.row_bytes);
    strides[i] = padding == 0 ? GST_VIDEO_INFO_PLANE_STRIDE(&info, i) : plane.row_bytes + padding;
    offsets[i] = padding == 0 ? GST_VIDEO_INFO_PLANE_OFFSET(&info, i) : bytes.size() + 8;
    bytes.resize(offsets[i] + std::size_t(strides[i]) * rows, kFiller);
    for (int y = 0; y < rows; ++y) {
      std::copy_n(plane.bytes.begin() + std::ptrdiff_t{y} * plane.row_bytes, plane.row_bytes,
                  bytes.begin() + offsets[i] + std::ptrdiff_t{y} * strides[i]);
    }
  }
  if (padding == 0) bytes.resize(GST_VIDEO_INFO_SIZE(&info), kFiller);
  GstBuffer* buffer = gst_buffer_new_memdup(bytes.data(), bytes.size());
  if (padding != 0) {
    gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, name, width, height,
                                   static_cast<guint>(planes.size()), offsets, strides);
  }
  return buffer;
}

std::uint8_t rounded(double value) { return static_cast<std::uint8_t>(std::floor(value + 0.5)); }

// A buffer mapped for reading.
class Mapped {
 public:
  Mapped(GstBuffer* buffer, const std::string& format, int width, int height) {
    GstVideoInfo info;
    gst_video_info_set_format(&info, gst_video_format_from_string(format.c_str()), width, height);
    mapped_ = gst_video_frame_map(&frame_, &info, buffer, GST_MAP_READ);
    if (!mapped_) ADD_FAILURE() << "cannot map a " << format << " frame";
  }
  ~Mapped() {
    if (mapped_) gst_video_frame_unmap(&frame_);
  }
  explicit operator bool() const { return mapped_; }
  const std::uint8_t* row(int plane, int y) const {
    return static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame_, plane)) +
           std::ptrdiff_t{y} * GST_VIDEO_FRAME_PLANE_STRIDE(&frame_, plane);
  }
  // Whether the padding of all rows but the last, which need not have one, is untouched.
  bool padding_kept(int plane, int row_bytes, int rows) const {
    for (int y = 0; y + 1 < rows; ++y) {
      for (int x = row_bytes; x < GST_VIDEO_FRAME_PLANE_STRIDE(&frame_, plane); ++x) {
        if (row(plane, y)[x] != kFiller) return false;
      }
    }
    return true;
  }

 private:
  GstVideoFrame frame_;
  bool mapped_;
};

std::vector<std::uint8_t> read_yuv(const Mapped& frame, const std::string& format, int width,
                                   int height, bool filled) {
  std::vector<std::uint8_t> result;
  const int chroma_width = (width + 1) / 2, chroma_height = (height + 1) / 2;
  for (int y = 0; y < height; ++y) {
    result.insert(result.end(), frame.row(0, y), frame.row(0, y) + width);
  }
  const bool interleaved = format == "NV12";
  for (int c = 0; c < 2; ++c) {
    for (int y = 0; y < chroma_height; ++y) {
      for (int x = 0; x < chroma_width; ++x) {
        result.push_back(interleaved ? frame.row(1, y)[2 * x + c] : frame.row(1 + c, y)[x]);
      }
    }
  }
  bool kept = frame.padding_kept(0, width, height);
  if (interleaved) {
    kept = kept && frame.padding_kept(1, 2 * chroma_width, chroma_height);
  } else {
    kept = kept && frame.padding_kept(1, chroma_width, chroma_height) &&
           frame.padding_kept(2, chroma_width, chroma_height);
  }
  EXPECT_TRUE(kept || !filled) << "padding of " << format << " was written";
  return result;
}

}  // namespace

Image make_picture(int width, int height, int phase) {
  Image picture{width, height, std::vector<std::uint8_t>(std::size_t(3) * width * height)};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int u = 256 * x / width, v = 256 * y / height;
      const bool disc = std::hypot(u - 90 - 10 * phase, v - 120) < 60;
      std::uint8_t* pixel = &picture.pixels[3 * (std::size_t(y) * width + x)];
      pixel[0] = static_cast<std::uint8_t>(disc ? 240 : u / 2);
      pixel[1] = static_cast<std::uint8_t>(disc ? 30 + phase : v);
      pixel[2] = static_cast<std::uint8_t>((u * v / 64 + 40 * phase) % 256);
    }
  }
  return picture;
}

ImageView YuvPicture::view() const {
  return {.format = PixelFormat::kI420,
          .width = width,
          .height = height,
          .planes = {planes[0].data(), planes[1].data(), planes[2].data()},
          .strides = {width, chroma_width(), chroma_width()},
          .matrix = YuvMatrix::kBt601,
          .full_range = false};
}

std::vector<std::uint8_t> YuvPicture::bytes() const {
  std::vector<std::uint8_t> all;
  for (const auto& plane : planes) all.insert(all.end(), plane.begin(), plane.end());
  return all;
}

YuvPicture to_yuv(const Image& picture) {
  YuvPicture result{.width = picture.width, .height = picture.height, .planes = {}};
  for (std::size_t i = 0; i < picture.pixels.size(); i += 3) {
    const std::uint8_t* p = &picture.pixels[i];
    result.planes[0].push_back(
        rounded(16 + (65.481 * p[0] + 128.553 * p[1] + 24.966 * p[2]) / 255));
  }
  for (int y = 0; y < picture.height; y += 2) {
    for (int x = 0; x < picture.width; x += 2) {
      const std::uint8_t* p = &picture.pixels[3 * (std::size_t(y) * picture.width + x)];
      result.planes[1].push_back(
          rounded(128 + (-37.797 * p[0] - 74.203 * p[1] + 112 * p[2]) / 255));
      result.planes[2].push_back(rounded(128 + (112 * p[0] - 93.786 * p[1] - 18.214 * p[2]) / 255));
    }
  }
  return result;
}

bool is_yuv(const std::string& format) { return format == "NV12" || format == "I420"; }

std::string caps_text(const std::string& format, int width, int height) {
  return "video/x-raw, format=" + format + ", width=" + std::to_string(width) +
         ", height=" + std::to_string(height) + ", framerate=25/1" +
         (is_yuv(format) ? ", colorimetry=bt601" : "");
}

GstBuffer* make_buffer(const Image& picture, const std::string& format, int padding) {
  if (is_yuv(format)) return make_buffer(to_yuv(picture), format, padding);
  const Packing packing = packing_of(format);
  Plane plane{packing.bytes * picture.width, {}};
  plane.bytes.resize(std::size_t(plane.row_bytes) * picture.height, kFiller);
  for (std::size_t i = 0; i < picture.pixels.size() / 3; ++i) {
    for (int c = 0; c < 3; ++c) {
      plane.bytes[i * packing.bytes + (packing.blue_first ? 2 - c : c)] = picture.pixels[3 * i + c];
    }
  }
  return lay_out({plane}, format, picture.width, picture.height, padding);
}

GstBuffer* make_buffer(const YuvPicture& picture, const std::string& format, int padding) {
  const auto& [luma, cb, cr] = picture.planes;
  std::vector<Plane> planes{{picture.width, luma}};
  if (format == "I420") {
    planes.push_back({picture.chroma_width(), cb});
    planes.push_back({picture.chroma_width(), cr});
  } else {
    Plane chroma{2 * picture.chroma_width(), {}};
    for (std::size_t i = 0; i < cb.size(); ++i) {
      chroma.bytes.push_back(cb[i]);
      chroma.bytes.push_back(cr[i]);
    }
    planes.push_back(chroma);
  }
  return lay_out(planes, format, picture.width, picture.height, padding);
}

std::vector<std::uint8_t> read_buffer(GstBuffer* buffer, const std::string& format, int width,
                                      int height, bool filled) {
  const Mapped frame(buffer, format, width, height);
  if (!frame) return {};
  if (is_yuv(format)) return read_yuv(frame, format, width, height, filled);
  const Packing packing = packing_of(format);
  std::vector<std::uint8_t> result;
  bool kept = frame.padding_kept(0, packing.bytes * width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const std::uint8_t* pixel = frame.row(0, y) + x * packing.bytes;
      for (int c = 0; c < std::min(packing.bytes, 3); ++c) {
        result.push_back(pixel[packing.blue_first ? 2 - c : c]);
      }
      if (packing.bytes == 4) kept = kept && pixel[3] == kFiller;
    }
  }
  EXPECT_TRUE(kept || !filled) << "padding or a fourth byte of " << format << " was written";
  return result;
}

std::vector<std::uint8_t> read_alpha(GstBuffer* buffer, const std::string& format, int width,
                                     int height) {
  const Mapped frame(buffer, format, width, height);
  std::vector<std::uint8_t> result;
  if (!frame) return result;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) result.push_back(frame.row(0, y)[4 * x + 3]);
  }
  return result;
}

}  // namespace cdfss
