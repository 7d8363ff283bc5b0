#include "cdfssseg.h"

#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#include <optional>
#include <utility>

#include "control.h"
#include "debug.h"
#include "failure.h"
#include "mapped_frame.h"
#include "negotiation.h"
#include "output_snapshot.h"
#include "properties.h"
#include "segmentation_meta.h"

GST_DEBUG_CATEGORY(cdfssseg_debug);

using namespace cdfss;  // NOLINT: the element is all about it

struct GstCdfssSeg {
  GstBaseTransform parent;
  Control* control;
};
struct GstCdfssSegClass {
  GstBaseTransformClass parent_class;
};

G_DEFINE_TYPE(GstCdfssSeg, gst_cdfss_seg, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(cdfssseg, "cdfssseg", GST_RANK_NONE, gst_cdfss_seg_get_type(),
                                      GST_DEBUG_CATEGORY_INIT(cdfssseg_debug, "cdfssseg", 0,
                                                              "few-shot segmentation"))

namespace {

GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("{ " CDFSS_INPUT_FORMATS " }")));
GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("{ " CDFSS_INPUT_FORMATS ", GRAY8 }")));

Control& control_of(gpointer object) { return *static_cast<GstCdfssSeg*>(object)->control; }

void set_property_value(GObject* object, guint id, const GValue* value, GParamSpec*) {
  if ((control_of(object).set(id, value) & kOutputChange) == 0) return;
  // Upstream too: its format may do for a mask, but not for an overlay that goes downstream.
  gst_base_transform_reconfigure_sink(GST_BASE_TRANSFORM(object));
  gst_base_transform_reconfigure_src(GST_BASE_TRANSFORM(object));
}

void get_property_value(GObject* object, guint id, GValue* value, GParamSpec*) {
  if (id == kStatsProperty) {
    g_value_take_boxed(value, control_of(object).stats().structure());
  } else {
    get_property(control_of(object).settings(), id, value);
  }
}

void finalize(GObject* object) {
  delete &control_of(object);
  G_OBJECT_CLASS(gst_cdfss_seg_parent_class)->finalize(object);
}

// Loads everything, so that a pipeline with a wrong file never starts.
gboolean start(GstBaseTransform* base) {
  const std::optional<Failure> failure = control_of(base).start();
  if (failure) post_error(GST_ELEMENT(base), *failure);
  return !failure;
}

gboolean stop(GstBaseTransform* base) {
  control_of(base).stop();
  return TRUE;
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  // The streaming thread may wait for the network; the pads are stopped once it does not.
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    control_of(element).worker().set_flushing(true);
  }
  return GST_ELEMENT_CLASS(gst_cdfss_seg_parent_class)->change_state(element, transition);
}

gboolean sink_event(GstBaseTransform* base, GstEvent* event) {
  Control& control = control_of(base);
  const GstEventType type = GST_EVENT_TYPE(event);
  if (type == GST_EVENT_FLUSH_START) control.worker().set_flushing(true);
  if (type == GST_EVENT_EOS) control.worker().drain();
  const gboolean handled =
      GST_BASE_TRANSFORM_CLASS(gst_cdfss_seg_parent_class)->sink_event(base, event);
  if (type == GST_EVENT_FLUSH_STOP) {
    control.streaming().reset();
    control.worker().set_flushing(false);
  }
  return handled;
}

Output output_of(GstBaseTransform* base) {
  const Output* held = OutputSnapshot::find(base);
  return held != nullptr ? *held : control_of(base).settings().output;
}

gboolean answer_query(GstBaseTransform* base, GstPadDirection direction, GstQuery* query) {
  if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY && direction == GST_PAD_SRC) {
    return control_of(base).answer_latency(GST_BASE_TRANSFORM_SINK_PAD(base), query);
  }
  const OutputSnapshot snapshot(base, output_of(base));
  return GST_BASE_TRANSFORM_CLASS(gst_cdfss_seg_parent_class)->query(base, direction, query);
}

GstCaps* transform_caps(GstBaseTransform* base, GstPadDirection direction, GstCaps* caps,
                        GstCaps* filter) {
  GstCaps* result = other_caps(direction, caps, output_of(base));
  if (filter == nullptr) return result;
  GstCaps* filtered = gst_caps_intersect_full(filter, result, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref(result);
  return filtered;
}

gboolean get_unit_size(GstBaseTransform*, GstCaps* caps, gsize* size) {
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, caps)) return FALSE;
  *size = GST_VIDEO_INFO_SIZE(&info);
  return TRUE;
}

// A frame becomes a frame; a padded buffer's own size says nothing about the other's.
gboolean transform_size(GstBaseTransform* base, GstPadDirection, GstCaps*, gsize,
                        GstCaps* other_caps, gsize* other_size) {
  return get_unit_size(base, other_caps, other_size);
}

gboolean set_caps(GstBaseTransform* base, GstCaps* input_caps, GstCaps* output_caps) {
  GstVideoInfo input, output;
  if (!gst_video_info_from_caps(&input, input_caps) ||
      !gst_video_info_from_caps(&output, output_caps)) {
    GST_ERROR_OBJECT(base, "invalid caps %" GST_PTR_FORMAT ", %" GST_PTR_FORMAT, input_caps,
                     output_caps);
    return FALSE;
  }
  control_of(base).streaming().set_caps(input, output);
  gst_base_transform_set_in_place(base,
                                  GST_VIDEO_INFO_FORMAT(&input) == GST_VIDEO_INFO_FORMAT(&output));
  return TRUE;
}

gboolean propose_allocation(GstBaseTransform* base, GstQuery* decided, GstQuery* query) {
  if (!GST_BASE_TRANSFORM_CLASS(gst_cdfss_seg_parent_class)
           ->propose_allocation(base, decided, query)) {
    return FALSE;
  }
  // In place (nothing was decided) downstream gets the very buffers, so its answer stands.
  if (decided != nullptr) gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  return TRUE;
}

gboolean decide_allocation(GstBaseTransform* base, GstQuery* query) {
  decide_pool(query);
  return GST_BASE_TRANSFORM_CLASS(gst_cdfss_seg_parent_class)->decide_allocation(base, query);
}

gboolean transform_meta(GstBaseTransform* base, GstBuffer* output, GstMeta* meta,
                        GstBuffer* input) {
  return goes_along(meta) || GST_BASE_TRANSFORM_CLASS(gst_cdfss_seg_parent_class)
                                 ->transform_meta(base, output, meta, input);
}

// Counts frames, and those that come too late.
GstFlowReturn submit_input_buffer(GstBaseTransform* base, gboolean is_discont, GstBuffer* input) {
  Stats& stats = control_of(base).stats();
  stats.add_frame();
  const GstFlowReturn flow = GST_BASE_TRANSFORM_CLASS(gst_cdfss_seg_parent_class)
                                 ->submit_input_buffer(base, is_discont, input);
  if (flow == GST_BASE_TRANSFORM_FLOW_DROPPED ||
      (flow == GST_FLOW_OK && base->queued_buf == nullptr)) {
    stats.add_dropped();
  }
  return flow;
}

// What every frame goes through: `work` is false when a flush interrupted it; its failure is posted
// after all that it held is released.
template <typename Work>
GstFlowReturn process(GstBaseTransform* base, Work&& work) {
  bool done = false;
  std::optional<Failure> failure = control_of(base).streaming().refusal();
  if (!failure) failure = guard([&] { done = work(control_of(base)); });
  if (!failure) return done ? GST_FLOW_OK : GST_FLOW_FLUSHING;
  post_error(GST_ELEMENT(base), *failure);
  return GST_FLOW_ERROR;
}

GstFlowReturn transform_ip(GstBaseTransform* base, GstBuffer* buffer) {
  return process(base, [&](Control& control) {
    return control.streaming().process(control.settings(), buffer);
  });
}

GstFlowReturn transform(GstBaseTransform* base, GstBuffer* input, GstBuffer* output) {
  return process(base, [&](Control& control) {
    return control.streaming().process(control.settings(), input, output);
  });
}

void reload(GstCdfssSeg* self) { control_of(self).reload(); }

}  // namespace

static void gst_cdfss_seg_init(GstCdfssSeg* self) {
  self->control = new Control(GST_ELEMENT(self));
  gst_base_transform_set_qos_enabled(GST_BASE_TRANSFORM(self), TRUE);
}

static void gst_cdfss_seg_class_init(GstCdfssSegClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = set_property_value;
  object_class->get_property = get_property_value;
  object_class->finalize = finalize;
  install_properties(object_class);
  g_signal_new_class_handler("reload", G_TYPE_FROM_CLASS(klass),
                             static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                             G_CALLBACK(reload), nullptr, nullptr, nullptr, G_TYPE_NONE, 0);
  register_segmentation_meta();

  auto* element_class = GST_ELEMENT_CLASS(klass);
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Few-shot segmentation", "Filter/Video",
      "Finds in every frame the objects that a handful of labelled images show",
      "The cdfss authors");
  element_class->change_state = change_state;
  auto* transform_class = GST_BASE_TRANSFORM_CLASS(klass);
  transform_class->start = start;
  transform_class->stop = stop;
  transform_class->sink_event = sink_event;
  transform_class->submit_input_buffer = submit_input_buffer;
  transform_class->query = answer_query;
  transform_class->transform_caps = transform_caps;
  transform_class->get_unit_size = get_unit_size;
  transform_class->transform_size = transform_size;
  transform_class->set_caps = set_caps;
  transform_class->propose_allocation = propose_allocation;
  transform_class->decide_allocation = decide_allocation;
  transform_class->transform_meta = transform_meta;
  transform_class->transform_ip = transform_ip;
  transform_class->transform = transform;
}
