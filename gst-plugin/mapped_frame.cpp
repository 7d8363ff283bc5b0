#include "mapped_frame.h"

#include <string>

#include "cdfss/error.h"

namespace cdfss {
namespace {

YuvMatrix yuv_matrix(const GstVideoInfo& info) {
  switch (GST_VIDEO_INFO_COLORIMETRY(&info).matrix) {
    case GST_VIDEO_COLOR_MATRIX_BT709:
    case GST_VIDEO_COLOR_MATRIX_SMPTE240M:  // within a hundredth of it
      return YuvMatrix::kBt709;
    case GST_VIDEO_COLOR_MATRIX_BT2020:
      return YuvMatrix::kBt2020;
    default:
      return YuvMatrix::kBt601;
  }
}

}  // namespace

PixelFormat pixel_format(GstVideoFormat format) {
  switch (format) {
    case GST_VIDEO_FORMAT_I420:
      return PixelFormat::kI420;
    case GST_VIDEO_FORMAT_NV12:
      return PixelFormat::kNv12;
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
    : info_(info) {
  const auto map_flags =
      static_cast<GstMapFlags>(int{flags} | int{GST_VIDEO_FRAME_MAP_FLAG_NO_REF});
  if (!gst_video_frame_map(&frame_, &info_, buffer, map_flags)) {
    throw Error(ErrorCode::kInference,
                "cannot map a buffer of " + std::to_string(gst_buffer_get_size(buffer)) +
                    " bytes as a frame of " + std::to_string(GST_VIDEO_INFO_WIDTH(&info)) + "x" +
                    std::to_string(GST_VIDEO_INFO_HEIGHT(&info)) + " " +
                    gst_video_format_to_string(GST_VIDEO_INFO_FORMAT(&info)) + ", " +
                    std::to_string(GST_VIDEO_INFO_SIZE(&info)) + " bytes");
  }
}

Canvas MappedFrame::canvas() const {
  Canvas canvas{
      .format = pixel_format(GST_VIDEO_INFO_FORMAT(&info_)),
      .width = GST_VIDEO_INFO_WIDTH(&info_),
      .height = GST_VIDEO_INFO_HEIGHT(&info_),
      .matrix = yuv_matrix(info_),
      .full_range = GST_VIDEO_INFO_COLORIMETRY(&info_).range == GST_VIDEO_COLOR_RANGE_0_255};
  for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES(&frame_); ++plane) {
    canvas.planes[plane] = static_cast<std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame_, plane));
    canvas.strides[plane] = GST_VIDEO_FRAME_PLANE_STRIDE(&frame_, plane);
  }
  return canvas;
}

ImageView MappedFrame::view() const {
  const Canvas canvas = this->canvas();
  return {.format = canvas.format,
          .width = canvas.width,
          .height = canvas.height,
          .planes = {canvas.planes[0], canvas.planes[1], canvas.planes[2]},
          .strides = canvas.strides,
          .matrix = canvas.matrix,
          .full_range = canvas.full_range};
}

}  // namespace cdfss
