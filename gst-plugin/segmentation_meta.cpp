#include "segmentation_meta.h"

#include <gst/video/video.h>

#include <string>

#include "analytics_meta.h"
#include "cdfss_segmentation_meta.h"

namespace cdfss {
namespace {

// The mask as a read-only buffer that keeps the result alive.
GstBuffer* mask_buffer(const ResultPtr& result) {
  const Mask& mask = result->mask;
  GstBuffer* buffer = gst_buffer_new_wrapped_full(
      GST_MEMORY_FLAG_READONLY, const_cast<std::uint8_t*>(mask.classes.data()), mask.classes.size(),
      0, mask.classes.size(), new ResultPtr(result),
      [](gpointer held) { delete static_cast<ResultPtr*>(held); });
  // GStreamer would take rows for padded to a multiple of four bytes.
  gsize offsets[GST_VIDEO_MAX_PLANES] = {};
  gint strides[GST_VIDEO_MAX_PLANES] = {mask.width};
  gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_GRAY8,
                                 mask.width, mask.height, 1, offsets, strides);
  return buffer;
}

void describe(GstStructure* structure, const Result& result, const char* source) {
  const Mask& mask = result.mask;
  gst_structure_set(structure, "source", G_TYPE_STRING, source, "width", G_TYPE_INT, mask.width,
                    "height", G_TYPE_INT, mask.height, "classes", G_TYPE_INT,
                    static_cast<int>(mask.regions.size()), "timestamp", GST_TYPE_CLOCK_TIME,
                    result.timestamp, "latency", GST_TYPE_CLOCK_TIME, result.latency, nullptr);
  for (std::size_t i = 0; i < mask.regions.size(); ++i) {
    const ClassRegion& region = mask.regions[i];
    GstStructure* entry = gst_structure_new(
        "cdfss-class", "name", G_TYPE_STRING, region.name.c_str(), "area", G_TYPE_INT64,
        gint64{region.area}, "x", G_TYPE_INT, region.x, "y", G_TYPE_INT, region.y, "width",
        G_TYPE_INT, region.width, "height", G_TYPE_INT, region.height, "score", G_TYPE_DOUBLE,
        double{region.score}, nullptr);
    gst_structure_set(structure, ("class-" + std::to_string(i + 1)).c_str(), GST_TYPE_STRUCTURE,
                      entry, nullptr);
    gst_structure_free(entry);
  }
}

}  // namespace

void register_segmentation_meta() {
  static const gchar* tags[] = {GST_META_TAG_VIDEO_STR, GST_META_TAG_VIDEO_SIZE_STR,
                                GST_META_TAG_VIDEO_ORIENTATION_STR, nullptr};
  if (gst_meta_get_info(GST_CDFSS_SEGMENTATION_META_NAME) == nullptr) {
    gst_meta_register_custom(GST_CDFSS_SEGMENTATION_META_NAME, tags, nullptr, nullptr, nullptr);
  }
}

void attach_result(GstBuffer* buffer, const ResultPtr& result, const char* source) {
  const GstClockTime now = GST_BUFFER_PTS(buffer), then = result->timestamp;
  const bool both = GST_CLOCK_TIME_IS_VALID(now) && GST_CLOCK_TIME_IS_VALID(then);
  GstCustomMeta* meta = gst_buffer_add_custom_meta(buffer, GST_CDFSS_SEGMENTATION_META_NAME);
  GstStructure* structure = gst_custom_meta_get_structure(meta);
  describe(structure, *result, source);
  GstBuffer* mask = mask_buffer(result);
  gst_structure_set(structure, "mask", GST_TYPE_BUFFER, mask, "age", GST_TYPE_CLOCK_TIME,
                    both && now > then ? now - then : GstClockTime{0}, "inferred", G_TYPE_BOOLEAN,
                    now == then, nullptr);
  attach_analytics(buffer, result->mask, mask);
  gst_buffer_unref(mask);

  for (std::size_t i = 0; i < result->mask.regions.size(); ++i) {
    const ClassRegion& region = result->mask.regions[i];
    if (region.area == 0) continue;
    GstVideoRegionOfInterestMeta* box = gst_buffer_add_video_region_of_interest_meta(
        buffer, region.name.c_str(), region.x, region.y, region.width, region.height);
    gst_video_region_of_interest_meta_add_param(
        box, gst_structure_new(GST_CDFSS_ROI_PARAMETER_NAME, "class", G_TYPE_INT,
                               static_cast<int>(i) + 1, "area", G_TYPE_INT64, gint64{region.area},
                               "score", G_TYPE_DOUBLE, double{region.score}, nullptr));
  }
}

GstMessage* segmentation_message(GstElement* element, const Result& result) {
  GstStructure* structure = gst_structure_new_empty(GST_CDFSS_SEGMENTATION_MESSAGE_NAME);
  describe(structure, result, GST_OBJECT_NAME(element));
  return gst_message_new_element(GST_OBJECT(element), structure);
}

}  // namespace cdfss
