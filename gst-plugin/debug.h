// The plugin's debug category, `GST_DEBUG=cdfssseg:N`.
#pragma once

#include <gst/gst.h>

GST_DEBUG_CATEGORY_EXTERN(cdfssseg_debug);
#define GST_CAT_DEFAULT cdfssseg_debug
