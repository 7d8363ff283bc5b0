#include "mapped_frame.h"

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

MappedFrame::MappedFrame(const GstVideoInfo& info, GstBuffer* buffer, GstMapFlags flags)
    : width_(GST_VIDEO_INFO_WIDTH(&info)), height_(GST_VIDEO_INFO_HEIGHT(&info)) {
  if (!gst_video_frame_map(&frame_, &info, buffer, flags)) {
    throw Error(ErrorCode::kInference,
                "cannot map a buffer of " + std::to_string(gst_buffer_get_size(buffer)) +
                    " bytes as a frame of " + std::to_string(width_) + "x" +
                    std::to_string(height_) + " " +
                    gst_video_format_to_string(GST_VIDEO_INFO_FORMAT(&info)) + ", " +
                    std::to_string(GST_VIDEO_INFO_SIZE(&info)) + " bytes");
  }
}

ImageView MappedFrame::view() const {
  return {.format = format(),
          .width = width_,
          .height = height_,
          .planes = {pixels(), nullptr, nullptr},
          .strides = {stride(), 0, 0}};
}

}  // namespace cdfss
