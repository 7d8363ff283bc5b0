#include "streaming.h"

#include <cstring>

#include "mapped_frame.h"
#include "negotiation.h"
#include "segmentation_meta.h"

namespace cdfss {

void Streaming::set_caps(const GstVideoInfo& input, const GstVideoInfo& output) {
  const bool same_frames = GST_VIDEO_INFO_FORMAT(&input) == GST_VIDEO_INFO_FORMAT(&input_) &&
                           GST_VIDEO_INFO_WIDTH(&input) == GST_VIDEO_INFO_WIDTH(&input_) &&
                           GST_VIDEO_INFO_HEIGHT(&input) == GST_VIDEO_INFO_HEIGHT(&input_);
  input_ = input;
  output_ = output;
  refusal_ = refusal_of(input);
  const bool same_format = GST_VIDEO_INFO_FORMAT(&input) == GST_VIDEO_INFO_FORMAT(&output);
  if (!same_format && GST_VIDEO_INFO_HAS_ALPHA(&output)) cutout_.configure(input, output);
  if (!same_frames) reset();
}

void Streaming::reset() {
  worker_.forget();
  last_.reset();
  position_ = 0;
}

ResultPtr Streaming::newest_for(GstBuffer* frame, bool due) {
  if (due) {
    const MappedFrame mapped(input_, frame, GST_MAP_READ);
    if (worker_.offer(mapped.view(), GST_BUFFER_PTS(frame))) stats_.add_skipped();
  }
  return worker_.newest();
}

ResultPtr Streaming::result_for(const Settings& settings, GstBuffer* frame, bool& interrupted) {
  const bool due = position_ == 0 || (!settings.async && last_ == nullptr);
  position_ = (position_ + 1) % settings.inference_interval;
  if (settings.async) {
    last_ = newest_for(frame, due);
  } else if (due) {
    last_ = worker_.segment(input_, frame);
    interrupted = last_ == nullptr;
  }
  return last_;
}

const Mask& Streaming::mask_of(const ResultPtr& result) {
  if (result != nullptr) return result->mask;
  empty_.width = GST_VIDEO_INFO_WIDTH(&input_);
  empty_.height = GST_VIDEO_INFO_HEIGHT(&input_);
  empty_.classes.assign(static_cast<std::size_t>(empty_.width) * empty_.height, 0);
  return empty_;
}

void Streaming::attach(const ResultPtr& result, GstBuffer* buffer) {
  if (result == nullptr) return;
  attach_result(buffer, result, GST_OBJECT_NAME(element_));
  const GstClockTime now = GST_BUFFER_PTS(buffer), then = result->timestamp;
  if (GST_CLOCK_TIME_IS_VALID(now) && GST_CLOCK_TIME_IS_VALID(then) && now >= then) {
    stats_.set_mask_age(now - then);
  }
}

bool Streaming::process(const Settings& settings, GstBuffer* frame) {
  bool interrupted = false;
  const ResultPtr result = result_for(settings, frame, interrupted);
  if (interrupted) return false;
  const Output output = output_between(input_, output_, settings.output);
  if (output != Output::kMetadata) {
    const MappedFrame mapped(input_, frame, GST_MAP_READWRITE);
    const Mask& mask = mask_of(result);
    if (output == Output::kCutout) {
      clear_background(mask, mapped, false);
    } else {
      overlay_.draw(mask, mapped.canvas(),
                    {.alpha = settings.alpha,
                     .contours = settings.draw_contours,
                     .labels = settings.draw_labels});
    }
  }
  attach(result, frame);
  return true;
}

bool Streaming::process(const Settings& settings, GstBuffer* frame, GstBuffer* made) {
  bool interrupted = false;
  const ResultPtr result = result_for(settings, frame, interrupted);
  if (interrupted) return false;
  const Mask& mask = mask_of(result);
  {
    const MappedFrame target(output_, made, GST_MAP_WRITE);
    if (GST_VIDEO_INFO_FORMAT(&output_) == GST_VIDEO_FORMAT_GRAY8) {
      for (int y = 0; y < mask.height; ++y) {
        std::memcpy(target.pixels() + y * target.stride(),
                    mask.classes.data() + std::ptrdiff_t{y} * mask.width, mask.width);
      }
    } else {
      const MappedFrame source(input_, frame, GST_MAP_READ);
      cutout_.draw(mask, source, target);
    }
  }
  attach(result, made);
  return true;
}

}  // namespace cdfss
