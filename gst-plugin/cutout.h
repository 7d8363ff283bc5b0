// Frames with everything but the objects made transparent.
#pragma once

#include <gst/video/video.h>

#include <memory>

#include "cdfss/mask.h"
#include "mapped_frame.h"

namespace cdfss {

// Alpha of RGBA or BGRA pixels that belong to no class becomes 0; others keep theirs, or become 255
// if `opaque`.
void clear_background(const Mask& mask, const MappedFrame& frame, bool opaque);

class CutoutPainter {
 public:
  // From frames of `input` to frames of `output` (RGBA or BGRA) of the same size.
  void configure(const GstVideoInfo& input, const GstVideoInfo& output);
  // Converts and clears. Pixels of formats without alpha count as opaque.
  void draw(const Mask& mask, const MappedFrame& input, const MappedFrame& output);

 private:
  struct Free {
    void operator()(GstVideoConverter* converter) const { gst_video_converter_free(converter); }
  };
  std::unique_ptr<GstVideoConverter, Free> converter_;
  bool opaque_ = false;  // frames have no alpha; the converter takes their fourth byte for it
};

}  // namespace cdfss
