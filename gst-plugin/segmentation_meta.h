// Results for programs: metas on buffers and element messages, as cdfss_segmentation_meta.h lists
// them.
#pragma once

#include <gst/gst.h>

#include "result.h"

namespace cdfss {

// Once a process, before the first use.
void register_segmentation_meta();

// `buffer` must be writable; its pixels are not touched, and the mask's memory is shared.
void attach_result(GstBuffer* buffer, const ResultPtr& result, const char* source);

// Caller owns it.
GstMessage* segmentation_message(GstElement* element, const Result& result);

}  // namespace cdfss
