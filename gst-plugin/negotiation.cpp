#include "negotiation.h"

#include "mapped_frame.h"

namespace cdfss {
namespace {

// All structures of `caps` with `format` (a GST_TYPE_LIST or string) for their own, and without the
// fields that belong to a format.
GstCaps* with_format(GstCaps* caps, const GValue* format) {
  GstCaps* result = gst_caps_new_empty();
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    GstStructure* structure = gst_structure_copy(gst_caps_get_structure(caps, i));
    gst_structure_set_value(structure, "format", format);
    gst_structure_remove_fields(structure, "colorimetry", "chroma-site", nullptr);
    GstCapsFeatures* features = gst_caps_features_copy(gst_caps_get_features(caps, i));
    result = gst_caps_merge_structure_full(result, structure, features);
  }
  return result;
}

// Caps that hold nothing but the formats.
GstCaps* mask_caps() { return gst_caps_from_string("video/x-raw, format=GRAY8"); }
GstCaps* packed_caps() {
  return gst_caps_from_string("video/x-raw, format={ " CDFSS_INPUT_FORMATS " }");
}

}  // namespace

GstCaps* other_caps(GstPadDirection direction, GstCaps* caps, Output output) {
  GstCaps* packed = packed_caps();
  GstCaps* mask = mask_caps();
  const bool masks = output == Output::kMask;
  GstCaps* here = masks && direction == GST_PAD_SRC ? mask : packed;
  GstCaps* there = masks && direction == GST_PAD_SINK ? mask : packed;
  GstCaps* result = gst_caps_intersect_full(caps, here, GST_CAPS_INTERSECT_FIRST);
  if (masks) {
    GstCaps* same_format = result;
    result = with_format(same_format,
                         gst_structure_get_value(gst_caps_get_structure(there, 0), "format"));
    gst_caps_unref(same_format);
  }
  gst_caps_unref(packed);
  gst_caps_unref(mask);
  return result;
}

void decide_mask_pool(GstQuery* query) {
  GstCaps* caps = nullptr;
  gst_query_parse_allocation(query, &caps, nullptr);
  GstVideoInfo info;
  if (caps == nullptr || !gst_video_info_from_caps(&info, caps)) return;

  GstBufferPool* pool = nullptr;
  guint size = GST_VIDEO_INFO_SIZE(&info), least = 0, most = 0;
  const bool offered = gst_query_get_n_allocation_pools(query) > 0;
  if (offered) {
    gst_query_parse_nth_allocation_pool(query, 0, &pool, &size, &least, &most);
    size = MAX(size, GST_VIDEO_INFO_SIZE(&info));
  }
  if (pool == nullptr) pool = gst_video_buffer_pool_new();

  GstStructure* config = gst_buffer_pool_get_config(pool);
  gst_buffer_pool_config_set_params(config, caps, size, least, most);
  if (gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr)) {
    gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  }
  gst_buffer_pool_set_config(pool, config);

  if (offered) {
    gst_query_set_nth_allocation_pool(query, 0, pool, size, least, most);
  } else {
    gst_query_add_allocation_pool(query, pool, size, least, most);
  }
  gst_object_unref(pool);
}

}  // namespace cdfss
