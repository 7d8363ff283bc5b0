// What can be negotiated: caps of one pad from those of the other, and buffers for new frames.
#pragma once

#include <gst/video/video.h>

#include <optional>

#include "failure.h"
#include "settings.h"

namespace cdfss {

#define CDFSS_CUTOUT_FORMATS "RGBA, BGRA"

// Caps of the other pad for `caps` of the pad of that direction. New reference.
GstCaps* other_caps(GstPadDirection direction, GstCaps* caps, Output output);

// Why frames of such caps are not taken: interlaced, or several views.
std::optional<Failure> refusal_of(const GstVideoInfo& info);

// What frames between negotiated caps become. The caps decide as far as they can, since the
// property, `wanted`, may have been set again after they were made.
Output output_between(const GstVideoInfo& input, const GstVideoInfo& output, Output wanted);

// Whether a frame's meta belongs to its mask or cutout, too: one that depends on no more than the
// frame's size and orientation does.
bool goes_along(const GstMeta* meta);

// Puts a pool of frames into an answered allocation query: downstream's own, with padded rows if it
// wants them, else a new one.
void decide_pool(GstQuery* query);

}  // namespace cdfss
