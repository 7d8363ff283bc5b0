// A mapped video buffer, seen as the library's image types see it.
#pragma once

#include <gst/video/video.h>

#include "cdfss/image.h"

namespace cdfss {

// The library's name of a packed format that the element negotiates.
PixelFormat pixel_format(GstVideoFormat format);

// Maps a buffer for as long as it lives; strides and offsets of a GstVideoMeta are honoured.
class VideoFrame {
 public:
  // Throws Error(kInference) when the buffer cannot be mapped as `info` says.
  VideoFrame(const GstVideoInfo& info, GstBuffer* buffer, GstMapFlags flags);
  ~VideoFrame() { gst_video_frame_unmap(&frame_); }
  VideoFrame(const VideoFrame&) = delete;
  VideoFrame& operator=(const VideoFrame&) = delete;

  // Plane 0, the only one of a packed format and of GRAY8. Stride in bytes.
  std::uint8_t* pixels() const {
    return static_cast<std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame_, 0));
  }
  std::ptrdiff_t stride() const { return GST_VIDEO_FRAME_PLANE_STRIDE(&frame_, 0); }
  PixelFormat format() const { return pixel_format(GST_VIDEO_FRAME_FORMAT(&frame_)); }
  // Of the size in the caps; the buffer's own, in its GstVideoMeta, may be larger.
  ImageView view() const;

 private:
  int width_, height_;
  GstVideoFrame frame_;
};

}  // namespace cdfss
