// What can be negotiated: caps of one pad from those of the other, and buffers for masks.
#pragma once

#include <gst/video/video.h>

#include "settings.h"

namespace cdfss {

// Caps of the other pad for `caps` of the pad of that direction. New reference.
GstCaps* other_caps(GstPadDirection direction, GstCaps* caps, Output output);

// Puts a pool of GRAY8 frames into an answered allocation query: downstream's own, with padded rows
// if it wants them, else a new one.
void decide_mask_pool(GstQuery* query);

}  // namespace cdfss
