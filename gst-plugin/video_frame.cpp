#include "video_frame.h"

#include <string>

#include "cdfss/error.h"

namespace cdfss {

PixelFormat pixel_format(GstVideoFormat format) {
  switch (format) {
    case GST_VIDEO_FORMAT_BGR:
      return PixelFormat::kBgr;
    case GST_VIDEO_FORMAT_RGBx:
      return PixelFormat::kRgbx;
    case GST_VIDEO_FORMAT_BGRx:
      return PixelFormat::kBgrx;
    case GST_VIDEO_FORMAT_RGBA:
      return PixelFormat::kRgba;
    case GST_VIDEO_FORMAT_BGRA:
      return PixelFormat::kBgra;
    default:
      return PixelFormat::kRgb;
  }
}

VideoFrame::VideoFrame(const GstVideoInfo& info, GstBuffer* buffer, GstMapFlags flags) {
  const auto size = [](int width, int height) {
    return std::to_string(width) + "x" + std::to_string(height);
  };
  const int width = GST_VIDEO_INFO_WIDTH(&info), height = GST_VIDEO_INFO_HEIGHT(&info);
  if (!gst_video_frame_map(&frame_, &info, buffer, flags)) {
    throw Error(ErrorCode::kInference,
                "cannot map a buffer of " + std::to_string(gst_buffer_get_size(buffer)) +
                    " bytes as a " + size(width, height) + " " +
                    gst_video_format_to_string(GST_VIDEO_INFO_FORMAT(&info)) + " frame of " +
                    std::to_string(GST_VIDEO_INFO_SIZE(&info)) + " bytes");
  }
  if (GST_VIDEO_FRAME_WIDTH(&frame_) != width || GST_VIDEO_FRAME_HEIGHT(&frame_) != height) {
    const std::string is = size(GST_VIDEO_FRAME_WIDTH(&frame_), GST_VIDEO_FRAME_HEIGHT(&frame_));
    gst_video_frame_unmap(&frame_);
    throw Error(ErrorCode::kInference,
                "a buffer's video meta says " + is + ", the caps " + size(width, height));
  }
}

ImageView VideoFrame::view() const {
  return {.format = format(),
          .width = GST_VIDEO_FRAME_WIDTH(&frame_),
          .height = GST_VIDEO_FRAME_HEIGHT(&frame_),
          .planes = {pixels(), nullptr, nullptr},
          .strides = {stride(), 0, 0}};
}

}  // namespace cdfss
