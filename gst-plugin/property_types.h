// The enumerations among the element's properties.
#pragma once

#include <gst/gst.h>

namespace cdfss {

GType output_type();
GType precision_type();
GType enhancement_type();

}  // namespace cdfss
