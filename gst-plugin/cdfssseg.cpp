#include "cdfssseg.h"

#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "cutout.h"
#include "engine.h"
#include "failure.h"
#include "mapped_frame.h"
#include "negotiation.h"
#include "output_snapshot.h"
#include "overlay.h"
#include "properties.h"
#include "settings.h"

GST_DEBUG_CATEGORY_STATIC(cdfssseg_debug);
#define GST_CAT_DEFAULT cdfssseg_debug

namespace {

using namespace cdfss;  // NOLINT: the element is all about it

struct State {
  // Guards the two members below it. Innermost: nothing is called, posted or locked while it is
  // held.
  mutable std::mutex lock;
  Settings settings;
  unsigned changes = kNoChange;  // Change bits that the engine does not know yet

  // The streaming thread's, and start's and stop's while there is none.
  std::optional<Engine> engine;
  GstVideoInfo input;
  GstVideoInfo output;
  // Why frames of the negotiated caps are not taken. Said with the first frame: upstream offers
  // caps that are refused again and again, and would be told as often.
  std::optional<Failure> refusal;
  OverlayPainter overlay;
  CutoutPainter cutout;
};

}  // namespace

struct GstCdfssSeg {
  GstBaseTransform parent;
  State* state;
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
    GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("{ " CDFSS_INPUT_FORMATS ", GRAY8 }")));  // those of cutouts are among them

GstCdfssSeg* self_of(gpointer object) { return static_cast<GstCdfssSeg*>(object); }
State& state_of(gpointer object) { return *self_of(object)->state; }

void set_property_value(GObject* object, guint id, const GValue* value, GParamSpec*) {
  State& state = state_of(object);
  unsigned changes = kNoChange;
  {
    const std::lock_guard held(state.lock);
    changes = set_property(state.settings, id, value);
    state.changes |= changes;
  }
  if ((changes & kOutputChange) != 0) {
    // Upstream too: its format may do for a mask, but not for an overlay that goes downstream.
    gst_base_transform_reconfigure_sink(GST_BASE_TRANSFORM(object));
    gst_base_transform_reconfigure_src(GST_BASE_TRANSFORM(object));
  }
}

void get_property_value(GObject* object, guint id, GValue* value, GParamSpec*) {
  State& state = state_of(object);
  const std::lock_guard held(state.lock);
  get_property(state.settings, id, value);
}

void finalize(GObject* object) {
  delete self_of(object)->state;
  G_OBJECT_CLASS(gst_cdfss_seg_parent_class)->finalize(object);
}

// Loads everything, so that a pipeline with a wrong file never starts.
gboolean start(GstBaseTransform* base) {
  State& state = state_of(base);
  Settings settings;
  {
    const std::lock_guard held(state.lock);
    settings = state.settings;
    state.changes = kNoChange;
  }
  const std::optional<Failure> failure = guard([&] { state.engine.emplace(settings); });
  if (failure) {
    post_error(GST_ELEMENT(base), *failure);
    return FALSE;
  }
  const Segmenter& segmenter = state.engine->segmenter();
  GST_INFO_OBJECT(base, "loaded %s on %s, input size %d, %zu class(es)", settings.model.c_str(),
                  segmenter.device().c_str(), segmenter.input_size(),
                  segmenter.class_names().size());
  return TRUE;
}

gboolean stop(GstBaseTransform* base) {
  state_of(base).engine.reset();
  return TRUE;
}

Output output_of(GstBaseTransform* base) {
  if (const Output* held = OutputSnapshot::find(base)) return *held;
  State& state = state_of(base);
  const std::lock_guard held(state.lock);
  return state.settings.output;
}

gboolean answer_query(GstBaseTransform* base, GstPadDirection direction, GstQuery* query) {
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
  State& state = state_of(base);
  if (!gst_video_info_from_caps(&state.input, input_caps) ||
      !gst_video_info_from_caps(&state.output, output_caps)) {
    GST_ERROR_OBJECT(base, "invalid caps %" GST_PTR_FORMAT ", %" GST_PTR_FORMAT, input_caps,
                     output_caps);
    return FALSE;
  }
  state.refusal = refusal_of(state.input);
  const bool same_format =
      GST_VIDEO_INFO_FORMAT(&state.input) == GST_VIDEO_INFO_FORMAT(&state.output);
  if (!same_format && GST_VIDEO_INFO_HAS_ALPHA(&state.output)) {
    state.cutout.configure(state.input, state.output);
  }
  gst_base_transform_set_in_place(base, same_format);
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

// A mask or a cutout has its frame's size and orientation, so metas that depend on no more go along.
gboolean transform_meta(GstBaseTransform* base, GstBuffer* output, GstMeta* meta,
                        GstBuffer* input) {
  const gchar* const* tags = gst_meta_api_type_get_tags(meta->info->api);
  bool kept = true;
  for (; tags != nullptr && *tags != nullptr; ++tags) {
    kept = kept && (std::strcmp(*tags, GST_META_TAG_VIDEO_STR) == 0 ||
                    std::strcmp(*tags, GST_META_TAG_VIDEO_SIZE_STR) == 0 ||
                    std::strcmp(*tags, GST_META_TAG_VIDEO_ORIENTATION_STR) == 0);
  }
  return kept || GST_BASE_TRANSFORM_CLASS(gst_cdfss_seg_parent_class)
                     ->transform_meta(base, output, meta, input);
}

// Brings the engine up to date with properties that were set since the last frame.
void apply_changes(GstBaseTransform* base) {
  State& state = state_of(base);
  Settings settings;
  unsigned changes = kNoChange;
  {
    const std::lock_guard held(state.lock);
    changes = std::exchange(state.changes, kNoChange);
    if (changes != kNoChange) settings = state.settings;
  }
  for (const unsigned part : {kThresholdChange + 0U, kNetworkChange | kSupportChange}) {
    if ((changes & part) == 0) continue;
    if (const auto failure = guard([&] { state.engine->apply(settings, changes & part); })) {
      post_warning(GST_ELEMENT(base), *failure);
    }
  }
}

// What every frame goes through: `work` runs with the engine up to date, and its failure is posted
// after all that it held is released.
template <typename Work>
GstFlowReturn process(GstBaseTransform* base, Work&& work) {
  std::optional<Failure> failure = state_of(base).refusal;
  if (!failure) {
    apply_changes(base);
    failure = guard(work);
  }
  if (!failure) return GST_FLOW_OK;
  post_error(GST_ELEMENT(base), *failure);
  return GST_FLOW_ERROR;
}

Settings settings_of(const State& state) {
  const std::lock_guard held(state.lock);
  return state.settings;
}

// The frame stays in its format: it is drawn into, made transparent, or left alone.
GstFlowReturn transform_ip(GstBaseTransform* base, GstBuffer* buffer) {
  return process(base, [&] {
    State& state = state_of(base);
    const Settings settings = settings_of(state);
    const Output output = output_between(state.input, state.output, settings.output);
    const auto flags = output == Output::kMetadata ? GST_MAP_READ : GST_MAP_READWRITE;
    const MappedFrame frame(state.input, buffer, flags);
    const Mask& mask = state.engine->segment(frame.view());
    if (output == Output::kCutout) clear_background(mask, frame, false);
    if (output == Output::kOverlay) {
      state.overlay.draw(mask, frame.canvas(),
                         {.alpha = settings.alpha,
                          .contours = settings.draw_contours,
                          .labels = settings.draw_labels});
    }
  });
}

// The frame is read, another made.
GstFlowReturn transform(GstBaseTransform* base, GstBuffer* input, GstBuffer* output) {
  return process(base, [&] {
    State& state = state_of(base);
    const MappedFrame frame(state.input, input, GST_MAP_READ);
    const MappedFrame made(state.output, output, GST_MAP_WRITE);
    const Mask& mask = state.engine->segment(frame.view());
    if (GST_VIDEO_INFO_FORMAT(&state.output) != GST_VIDEO_FORMAT_GRAY8) {
      state.cutout.draw(mask, frame, made);
      return;
    }
    for (int y = 0; y < mask.height; ++y) {
      std::memcpy(made.pixels() + y * made.stride(),
                  mask.classes.data() + std::ptrdiff_t{y} * mask.width, mask.width);
    }
  });
}

}  // namespace

static void gst_cdfss_seg_init(GstCdfssSeg* self) {
  self->state = new State;
  gst_base_transform_set_qos_enabled(GST_BASE_TRANSFORM(self), TRUE);
}

static void gst_cdfss_seg_class_init(GstCdfssSegClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = set_property_value;
  object_class->get_property = get_property_value;
  object_class->finalize = finalize;
  install_properties(object_class);

  auto* element_class = GST_ELEMENT_CLASS(klass);
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Few-shot segmentation", "Filter/Video",
      "Finds in every frame the objects that a handful of labelled images show",
      "The cdfss authors");

  auto* transform_class = GST_BASE_TRANSFORM_CLASS(klass);
  transform_class->start = start;
  transform_class->stop = stop;
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
