#include "properties.h"

#include <string>
#include <utility>

#include "property_types.h"

namespace cdfss {
namespace {

enum Property : guint {
  kSupport = 1,
  kModel,
  kDevice,
  kPrecision,
  kInputSize,
  kOutput,
  kThreshold,
  kClasses,
  kAlpha,
  kDrawContours,
  kDrawLabels,
  kTargetEnhancement,
  kInferenceInterval,
  kAsync,
  kTemporalSmoothing,
  kThreads,
  kPostMessages,
  kWatch,
};

constexpr GParamFlags flags() {
  return static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                  GST_PARAM_MUTABLE_PLAYING);
}

void install_string(GObjectClass* klass, Property id, const char* name, const char* nick,
                    const char* blurb, const char* default_value) {
  g_object_class_install_property(klass, id,
                                  g_param_spec_string(name, nick, blurb, default_value, flags()));
}

void install_boolean(GObjectClass* klass, Property id, const char* name, const char* nick,
                     const char* blurb, gboolean default_value) {
  g_object_class_install_property(klass, id,
                                  g_param_spec_boolean(name, nick, blurb, default_value, flags()));
}

template <typename Value>
unsigned assign(Value& member, Value value, unsigned changes) {
  if (member == value) return kNoChange;
  member = std::move(value);
  return changes;
}

// The string in `value`, or `fallback` when it is null or empty.
std::string text_of(const GValue* value, const std::string& fallback = {}) {
  const char* text = g_value_get_string(value);
  return text == nullptr || *text == '\0' ? fallback : text;
}

}  // namespace

void install_properties(GObjectClass* klass) {
  install_string(klass, kSupport, "support", "Support set",
                 "Folder with the labelled images of what to segment: one sub-folder a class, or "
                 "images and masks directly inside; required",
                 nullptr);
  install_string(klass, kModel, "model", "Model file",
                 "Model file (.safetensors); empty = the file that the environment variable "
                 "CDFSS_MODEL names, else the installed one",
                 nullptr);
  install_string(klass, kDevice, "device", "Device",
                 "Where the network runs: auto (a GPU when there is one), cpu, cuda, cuda:N",
                 "auto");
  g_object_class_install_property(
      klass, kPrecision,
      g_param_spec_enum("precision", "Precision", "Number format of the network's computations",
                        precision_type(), static_cast<int>(Precision::kAuto), flags()));
  g_object_class_install_property(
      klass, kInputSize,
      g_param_spec_int("input-size", "Input size",
                       "Side in pixels of the square that frames are resized to for the network; "
                       "41 or more and 1 more than a multiple of 8; smaller is faster and coarser; "
                       "0 = the model's",
                       0, 2049, 0, flags()));
  g_object_class_install_property(
      klass, kOutput,
      g_param_spec_enum("output", "Output", "What leaves the source pad", output_type(),
                        static_cast<int>(Output::kOverlay), flags()));
  g_object_class_install_property(
      klass, kThreshold,
      probability_or_default_spec("threshold", "Threshold",
                                  "Least foreground probability, 0 to 1, at which a pixel is given "
                                  "to a class; -1 = what the model file says",
                                  flags()));
  install_string(klass, kClasses, "classes", "Classes",
                 "Classes of the support set to segment, separated by ';', numbered in this "
                 "order; empty = all",
                 nullptr);
  g_object_class_install_property(
      klass, kAlpha,
      g_param_spec_double("alpha", "Overlay opacity",
                          "Opacity of the colour over a class's area, 0 (only its contour shows) "
                          "to 1 (solid); output=overlay only",
                          0.0, 1.0, 0.5, flags()));
  install_boolean(klass, kDrawContours, "draw-contours", "Draw contours",
                  "Draw a solid contour around each class's area; output=overlay only", TRUE);
  install_boolean(klass, kDrawLabels, "draw-labels", "Draw labels",
                  "Write each class's name beside its area; output=overlay only", FALSE);
  g_object_class_install_property(
      klass, kTargetEnhancement,
      g_param_spec_enum("target-enhancement", "Target enhancement",
                        "Whose features the model's memory restyles", enhancement_type(),
                        static_cast<int>(Enhancement::kAuto), flags()));
  g_object_class_install_property(
      klass, kInferenceInterval,
      g_param_spec_int("inference-interval", "Inference interval",
                       "Run the network on every N-th frame; those between get the last mask", 1,
                       G_MAXINT, 1, flags()));
  install_boolean(klass, kAsync, "async", "Asynchronous",
                  "Frames do not wait for the network but get the newest finished mask; it runs "
                  "beside them on the newest frame",
                  FALSE);
  g_object_class_install_property(
      klass, kTemporalSmoothing,
      g_param_spec_double("temporal-smoothing", "Temporal smoothing",
                          "Weight of the previous frame's probabilities, 0 (none) to 0.99; starts "
                          "anew where the scene cuts",
                          0.0, 0.99, 0.0, flags()));
  g_object_class_install_property(
      klass, kThreads,
      g_param_spec_int("threads", "Threads", "CPU threads for the network; 0 = one a core", 0, 1024,
                       0, flags()));
  install_boolean(klass, kPostMessages, "post-messages", "Post messages",
                  "Post an element message with areas, boxes and times for every mask", FALSE);
  install_boolean(klass, kWatch, "watch", "Watch",
                  "Load the support set again when its folder changes", FALSE);
  g_object_class_install_property(
      klass, kStatsProperty,
      g_param_spec_boxed("stats", "Statistics",
                         "Structure cdfssseg-stats: frames, inferences, dropped, skipped, reloads, "
                         "mean-latency, p95-latency, mask-age, device, precision, input-size",
                         GST_TYPE_STRUCTURE,
                         static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

unsigned set_property(Settings& settings, guint id, const GValue* value) {
  switch (id) {
    case kSupport:
      return assign(settings.support, text_of(value), kEngineChange | kWatchChange);
    case kModel:
      return assign(settings.model, text_of(value, default_model()), kEngineChange);
    case kDevice:
      return assign(settings.device, text_of(value, "auto"), kEngineChange);
    case kPrecision:
      return assign(settings.precision, static_cast<Precision>(g_value_get_enum(value)),
                    kEngineChange);
    case kInputSize:
      return assign(settings.input_size, g_value_get_int(value), kEngineChange);
    case kOutput:
      return assign(settings.output, static_cast<Output>(g_value_get_enum(value)), kOutputChange);
    case kThreshold:
      return assign(settings.threshold, g_value_get_float(value), kThresholdChange);
    case kClasses:
      return assign(settings.classes, text_of(value), kEngineChange);
    case kAlpha:
      settings.alpha = g_value_get_double(value);
      return kNoChange;
    case kDrawContours:
      settings.draw_contours = g_value_get_boolean(value);
      return kNoChange;
    case kDrawLabels:
      settings.draw_labels = g_value_get_boolean(value);
      return kNoChange;
    case kTargetEnhancement:
      return assign(settings.target_enhancement, static_cast<Enhancement>(g_value_get_enum(value)),
                    kEngineChange);
    case kInferenceInterval:
      settings.inference_interval = g_value_get_int(value);
      return kNoChange;
    case kAsync:
      return assign(settings.async, g_value_get_boolean(value) != FALSE, kLatencyChange);
    case kTemporalSmoothing:
      return assign(settings.temporal_smoothing, g_value_get_double(value), kSmoothingChange);
    case kThreads:
      return assign(settings.threads, g_value_get_int(value), kEngineChange);
    case kPostMessages:
      settings.post_messages = g_value_get_boolean(value);
      return kNoChange;
    case kWatch:
      return assign(settings.watch, g_value_get_boolean(value) != FALSE, kWatchChange);
    default:
      g_return_val_if_reached(kNoChange);
  }
}

void get_property(const Settings& settings, guint id, GValue* value) {
  switch (id) {
    case kSupport:
      return g_value_set_string(value, settings.support.c_str());
    case kModel:
      return g_value_set_string(value, settings.model.c_str());
    case kDevice:
      return g_value_set_string(value, settings.device.c_str());
    case kPrecision:
      return g_value_set_enum(value, static_cast<int>(settings.precision));
    case kInputSize:
      return g_value_set_int(value, settings.input_size);
    case kOutput:
      return g_value_set_enum(value, static_cast<int>(settings.output));
    case kThreshold:
      return g_value_set_float(value, settings.threshold);
    case kClasses:
      return g_value_set_string(value, settings.classes.c_str());
    case kAlpha:
      return g_value_set_double(value, settings.alpha);
    case kDrawContours:
      return g_value_set_boolean(value, settings.draw_contours);
    case kDrawLabels:
      return g_value_set_boolean(value, settings.draw_labels);
    case kTargetEnhancement:
      return g_value_set_enum(value, static_cast<int>(settings.target_enhancement));
    case kInferenceInterval:
      return g_value_set_int(value, settings.inference_interval);
    case kAsync:
      return g_value_set_boolean(value, settings.async);
    case kTemporalSmoothing:
      return g_value_set_double(value, settings.temporal_smoothing);
    case kThreads:
      return g_value_set_int(value, settings.threads);
    case kPostMessages:
      return g_value_set_boolean(value, settings.post_messages);
    case kWatch:
      return g_value_set_boolean(value, settings.watch);
    default:
      g_return_if_reached();
  }
}

}  // namespace cdfss
