// The element `cdfssseg`: few-shot segmentation of the video that passes through it.
#pragma once

#include <gst/gst.h>

GST_ELEMENT_REGISTER_DECLARE(cdfssseg)
