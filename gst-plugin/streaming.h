// What happens to frames, on the streaming thread.
#pragma once

#include <gst/video/video.h>

#include <optional>

#include "cutout.h"
#include "failure.h"
#include "overlay.h"
#include "result.h"
#include "settings.h"
#include "stats.h"
#include "worker.h"

namespace cdfss {

class Streaming {
 public:
  // `element` names the source of metas; none is owned.
  Streaming(GstElement* element, Worker& worker, Stats& stats)
      : element_(element), worker_(worker), stats_(stats) {
    gst_video_info_init(&input_);
    gst_video_info_init(&output_);
  }

  void set_caps(const GstVideoInfo& input, const GstVideoInfo& output);
  // Why frames of these caps are not taken. To be said with the first frame: upstream offers caps
  // that are refused again and again, and would be told as often.
  const std::optional<Failure>& refusal() const { return refusal_; }
  // Forgets masks: other frames follow.
  void reset();

  // The frame stays in its format: it is drawn into, made transparent, or left alone. False when it
  // was interrupted by a flush. Throws Error.
  bool process(const Settings& settings, GstBuffer* frame);
  // The frame is read, `made` filled with its mask or cutout. False and throws as above.
  bool process(const Settings& settings, GstBuffer* frame, GstBuffer* made);

 private:
  ResultPtr result_for(const Settings& settings, GstBuffer* frame, bool& interrupted);
  ResultPtr newest_for(GstBuffer* frame, bool due);
  const Mask& mask_of(const ResultPtr& result);
  void attach(const ResultPtr& result, GstBuffer* buffer);

  GstElement* const element_;
  Worker& worker_;
  Stats& stats_;
  GstVideoInfo input_, output_;
  std::optional<Failure> refusal_;
  OverlayPainter overlay_;
  CutoutPainter cutout_;
  ResultPtr last_;    // of the last frame that was segmented
  int position_ = 0;  // of the frame in its inference interval
  Mask empty_;        // for frames that pass before there is a mask
};

}  // namespace cdfss
