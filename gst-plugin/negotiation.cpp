#include "negotiation.h"

#include <string>

#include "mapped_frame.h"

namespace cdfss {
namespace {

constexpr char kInputFormats[] = "{ " CDFSS_INPUT_FORMATS " }";

struct Formats {
  GValue value = G_VALUE_INIT;
  explicit Formats(const char* text) {
    g_value_init(&value, GST_TYPE_LIST);
    gst_value_deserialize(&value, text);
  }
  ~Formats() { g_value_unset(&value); }
  Formats(const Formats&) = delete;
};

// `caps` as far as they have one of these formats. New reference.
GstCaps* restricted(GstCaps* caps, const char* formats) {
  const Formats list(formats);
  GstCaps* allowed = gst_caps_new_empty_simple("video/x-raw");
  gst_caps_set_value(allowed, "format", &list.value);
  GstCaps* result = gst_caps_intersect_full(caps, allowed, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref(allowed);
  return result;
}

// The formats of cut-out frames, first the one with its bytes in the order of the frame's.
const char* cutout_formats(const GstStructure* frame) {
  const char* format = gst_structure_get_string(frame, "format");
  return format != nullptr && format[0] == 'B' ? "{ BGRA, RGBA }" : "{ " CDFSS_CUTOUT_FORMATS " }";
}

// The conversion from Y'CbCr keeps primaries and transfer function.
void keep_colours_as_rgb(GstStructure* structure) {
  const char* text = gst_structure_get_string(structure, "colorimetry");
  GstVideoColorimetry colorimetry;
  if (text == nullptr || !gst_video_colorimetry_from_string(&colorimetry, text)) {
    gst_structure_remove_field(structure, "colorimetry");
    return;
  }
  colorimetry.matrix = GST_VIDEO_COLOR_MATRIX_RGB;
  colorimetry.range = GST_VIDEO_COLOR_RANGE_0_255;
  gchar* of_rgb = gst_video_colorimetry_to_string(&colorimetry);
  gst_structure_set(structure, "colorimetry", G_TYPE_STRING, of_rgb, nullptr);
  g_free(of_rgb);
}

// What a frame of the other pad looks like for one of this pad.
GstStructure* other_structure(GstPadDirection direction, const GstStructure* structure,
                              Output output) {
  GstStructure* other = gst_structure_copy(structure);
  const char* formats = kInputFormats;
  if (direction == GST_PAD_SINK && output == Output::kCutout) {
    formats = cutout_formats(structure);
    keep_colours_as_rgb(other);
  } else {
    if (direction == GST_PAD_SINK) formats = "{ GRAY8 }";
    gst_structure_remove_field(other, "colorimetry");
  }
  gst_structure_remove_field(other, "chroma-site");
  const Formats list(formats);
  gst_structure_set_value(other, "format", &list.value);
  return other;
}

}  // namespace

GstCaps* other_caps(GstPadDirection direction, GstCaps* caps, Output output) {
  const bool same_format = output == Output::kOverlay || output == Output::kMetadata;
  if (same_format) return restricted(caps, kInputFormats);
  const char* made = output == Output::kMask ? "{ GRAY8 }" : "{ " CDFSS_CUTOUT_FORMATS " }";
  GstCaps* here = restricted(caps, direction == GST_PAD_SINK ? kInputFormats : made);
  GstCaps* there = gst_caps_new_empty();
  for (guint i = 0; i < gst_caps_get_size(here); ++i) {
    there = gst_caps_merge_structure_full(
        there, other_structure(direction, gst_caps_get_structure(here, i), output),
        gst_caps_features_copy(gst_caps_get_features(here, i)));
  }
  gst_caps_unref(here);
  return there;
}

std::optional<Failure> refusal_of(const GstVideoInfo& info) {
  const auto failure = [](const std::string& text) {
    return Failure{GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, text};
  };
  if (GST_VIDEO_INFO_IS_INTERLACED(&info)) {
    return failure(std::string("interlaced video (interlace-mode=") +
                   gst_video_interlace_mode_to_string(GST_VIDEO_INFO_INTERLACE_MODE(&info)) +
                   ") is not supported: put a deinterlace element in front");
  }
  switch (GST_VIDEO_INFO_MULTIVIEW_MODE(&info)) {
    case GST_VIDEO_MULTIVIEW_MODE_NONE:
    case GST_VIDEO_MULTIVIEW_MODE_MONO:
    case GST_VIDEO_MULTIVIEW_MODE_LEFT:
    case GST_VIDEO_MULTIVIEW_MODE_RIGHT:
      return std::nullopt;
    default:
      return failure(std::string("video of several views (multiview-mode=") +
                     gst_video_multiview_mode_to_caps_string(GST_VIDEO_INFO_MULTIVIEW_MODE(&info)) +
                     ") is not supported: select one view, for example with glviewconvert");
  }
}

Output output_between(const GstVideoInfo& input, const GstVideoInfo& output, Output wanted) {
  const GstVideoFormat format = GST_VIDEO_INFO_FORMAT(&output);
  if (format == GST_VIDEO_FORMAT_GRAY8) return Output::kMask;
  if (format != GST_VIDEO_INFO_FORMAT(&input)) return Output::kCutout;
  const bool has_alpha = GST_VIDEO_INFO_HAS_ALPHA(&output);
  const bool impossible = wanted == Output::kMask || (wanted == Output::kCutout && !has_alpha);
  return impossible ? Output::kMetadata : wanted;
}

bool goes_along(const GstMeta* meta) {
  const gchar* const* tags = gst_meta_api_type_get_tags(meta->info->api);
  for (; tags != nullptr && *tags != nullptr; ++tags) {
    if (!g_str_equal(*tags, GST_META_TAG_VIDEO_STR) &&
        !g_str_equal(*tags, GST_META_TAG_VIDEO_SIZE_STR) &&
        !g_str_equal(*tags, GST_META_TAG_VIDEO_ORIENTATION_STR)) {
      return false;
    }
  }
  return true;
}

void decide_pool(GstQuery* query) {
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
