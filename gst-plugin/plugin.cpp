#include "cdfssseg.h"

namespace {

gboolean plugin_init(GstPlugin* plugin) { return GST_ELEMENT_REGISTER(cdfssseg, plugin); }

}  // namespace

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, cdfss,
                  "Few-shot segmentation of live video", plugin_init, CDFSS_VERSION, "MIT/X11",
                  PACKAGE, "Unknown package origin")
