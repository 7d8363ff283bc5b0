// What the network made of one frame.
#pragma once

#include <gst/gst.h>

#include <memory>

#include "cdfss/mask.h"

namespace cdfss {

struct Result {
  Mask mask;
  GstClockTime timestamp = GST_CLOCK_TIME_NONE;  // of the frame
  GstClockTime latency = 0;                      // what it took to segment it
};

// Shared with the buffers that carry the mask.
using ResultPtr = std::shared_ptr<const Result>;

}  // namespace cdfss
