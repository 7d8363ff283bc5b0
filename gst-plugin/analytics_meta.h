// Results as GStreamer's own analytics metadata, which programs read whatever element made them.
// Where the GStreamer that this is compiled against is older than 1.26 and has none, nothing is
// attached.
#pragma once

#include <gst/gst.h>

#include "cdfss/mask.h"

namespace cdfss {

// To the GstAnalyticsRelationMeta of `buffer`, which gets one if it has none: a semantic
// GstAnalyticsSegmentationMtd of the whole frame with `mask_buffer` (GRAY8 with a GstVideoMeta;
// region i = class i, 0 = none), related to a GstAnalyticsClsMtd with the name and score of each,
// -1 for none.
void attach_analytics(GstBuffer* buffer, const Mask& mask, GstBuffer* mask_buffer);

}  // namespace cdfss
