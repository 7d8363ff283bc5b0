// A mapped video buffer, seen as the library's image types see it.
#pragma once

#include <gst/video/video.h>

#include "canvas.h"
#include "cdfss/image.h"

// What a Segmenter reads, in the order of preference. The element's pads and cdfss-eval's decoder
// name them alike, so that a converter in front of either makes the same choice.
#define CDFSS_INPUT_FORMATS "I420, NV12, RGB, BGR, RGBx, BGRx, RGBA, BGRA"

namespace cdfss {

// The library's name of one of CDFSS_INPUT_FORMATS.
PixelFormat pixel_format(GstVideoFormat format);

// Maps a buffer for as long as it lives; strides and offsets of a GstVideoMeta are honoured. The
// buffer itself is not held.
class MappedFrame {
 public:
  // Throws Error(kInference) when the buffer cannot be mapped as `info` says.
  MappedFrame(const GstVideoInfo& info, GstBuffer* buffer, GstMapFlags flags);
  ~MappedFrame() { gst_video_frame_unmap(&frame_); }
  MappedFrame(const MappedFrame&) = delete;
  MappedFrame& operator=(const MappedFrame&) = delete;

  // Plane 0, the only one of a packed format and of GRAY8. Stride in bytes.
  std::uint8_t* pixels() const {
    return static_cast<std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame_, 0));
  }
  std::ptrdiff_t stride() const { return GST_VIDEO_FRAME_PLANE_STRIDE(&frame_, 0); }

  // Of the size and colorimetry in the caps; the buffer's own size, in its GstVideoMeta, may be
  // larger.
  ImageView view() const;
  Canvas canvas() const;  // for frames mapped with GST_MAP_WRITE
  const GstVideoFrame* get() const { return &frame_; }

 private:
  GstVideoInfo info_;
  GstVideoFrame frame_;
};

}  // namespace cdfss
