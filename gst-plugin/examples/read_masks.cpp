// Prints what cdfssseg finds in a video, frame by frame, from the metas on its buffers.
//
//   read_masks VIDEO SUPPORT_FOLDER
#include <gst/gst.h>

#include <cstdio>
#include <string>

#include "cdfss_segmentation_meta.h"  // installed as <cdfss/cdfss_segmentation_meta.h>

namespace {

int int_field(const GstStructure* structure, const char* name) {
  int value = 0;
  gst_structure_get_int(structure, name, &value);
  return value;
}

void print_class(GstClockTime time, const GstStructure* found) {
  gint64 area = 0;
  double score = 0;
  gst_structure_get(found, "area", G_TYPE_INT64, &area, "score", G_TYPE_DOUBLE, &score, nullptr);
  if (area == 0) return;
  std::printf("%8.3f s  %s  %lld pixels in [%d, %d, %d, %d], score %.2f\n",
              static_cast<double>(time) / GST_SECOND, gst_structure_get_string(found, "name"),
              static_cast<long long>(area), int_field(found, "x"), int_field(found, "y"),
              int_field(found, "width"), int_field(found, "height"), score);
}

GstPadProbeReturn on_buffer(GstPad*, GstPadProbeInfo* info, gpointer) {
  GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  GstCustomMeta* meta = gst_buffer_get_custom_meta(buffer, GST_CDFSS_SEGMENTATION_META_NAME);
  if (meta == nullptr) return GST_PAD_PROBE_OK;  // async=true: before the first mask
  const GstStructure* results = gst_custom_meta_get_structure(meta);
  for (int i = 1; i <= int_field(results, "classes"); ++i) {
    GstStructure* found = nullptr;
    gst_structure_get(results, ("class-" + std::to_string(i)).c_str(), GST_TYPE_STRUCTURE, &found,
                      nullptr);
    print_class(GST_BUFFER_PTS(buffer), found);
    gst_structure_free(found);
  }
  return GST_PAD_PROBE_OK;
}

void set_text(GstElement* pipeline, const char* element, const char* property, const char* value) {
  GstElement* found = gst_bin_get_by_name(GST_BIN(pipeline), element);
  g_object_set(found, property, value, nullptr);
  gst_object_unref(found);
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc != 3) {
    std::fprintf(stderr, "usage: read_masks VIDEO SUPPORT_FOLDER\n");
    return 2;
  }
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(
      "filesrc name=source ! decodebin ! videoconvert"
      " ! cdfssseg name=segment output=metadata ! fakesink name=sink",
      &error);
  if (error != nullptr) {
    std::fprintf(stderr, "read_masks: %s\n", error->message);
    return 1;
  }
  set_text(pipeline, "source", "location", argv[1]);
  set_text(pipeline, "segment", "support", argv[2]);
  GstElement* sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
  GstPad* pad = gst_element_get_static_pad(sink, "sink");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, nullptr, nullptr);
  gst_object_unref(pad);
  gst_object_unref(sink);

  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline);
  GstMessage* message = gst_bus_timed_pop_filtered(
      bus, GST_CLOCK_TIME_NONE, static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS));
  const bool failed = GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR;
  if (failed) {
    gst_message_parse_error(message, &error, nullptr);
    std::fprintf(stderr, "read_masks: %s\n", error->message);
    g_error_free(error);
  }
  gst_message_unref(message);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
  return failed ? 1 : 0;
}
