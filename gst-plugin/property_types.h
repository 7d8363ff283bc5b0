// Types of the element's properties that GObject does not bring.
#pragma once

#include <gst/gst.h>

namespace cdfss {

GType output_type();
GType precision_type();
GType enhancement_type();

// A float property from 0 to 1, or -1, its default. What lies between -1 and 0 is refused as
// GObject refuses what is outside a range.
GParamSpec* probability_or_default_spec(const char* name, const char* nick, const char* blurb,
                                        GParamFlags flags);

}  // namespace cdfss
