#include "cutout.h"

#include "cdfss/error.h"

namespace cdfss {

void clear_background(const Mask& mask, const MappedFrame& frame, bool opaque) {
  constexpr int kAlpha = 3;  // of RGBA and BGRA
  const std::uint8_t* index = mask.classes.data();
  for (int y = 0; y < mask.height; ++y) {
    std::uint8_t* pixel = frame.pixels() + y * frame.stride();
    for (int x = 0; x < mask.width; ++x, ++index, pixel += 4) {
      if (*index == 0) {
        pixel[kAlpha] = 0;
      } else if (opaque) {
        pixel[kAlpha] = 255;
      }
    }
  }
}

void CutoutPainter::configure(const GstVideoInfo& input, const GstVideoInfo& output) {
  GstVideoInfo from = input, to = output;
  opaque_ = !GST_VIDEO_INFO_HAS_ALPHA(&input);
  converter_.reset(gst_video_converter_new(&from, &to, nullptr));
}

void CutoutPainter::draw(const Mask& mask, const MappedFrame& input, const MappedFrame& output) {
  if (converter_ == nullptr) {
    throw Error(ErrorCode::kInference, "GStreamer cannot convert these frames to RGBA");
  }
  gst_video_converter_frame(converter_.get(), input.get(),
                            const_cast<GstVideoFrame*>(output.get()));
  clear_background(mask, output, opaque_);
}

}  // namespace cdfss
