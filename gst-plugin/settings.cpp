#include "settings.h"

#include <utility>

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
  kTargetEnhancement,
};

GType register_enum(const char* name, const GEnumValue* values) {
  const GType type = g_enum_register_static(name, values);
  gst_type_mark_as_plugin_api(type, static_cast<GstPluginAPIFlags>(0));
  return type;
}

GType output_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(Output::kOverlay), "Classes drawn into the frame, in place", "overlay"},
      {static_cast<int>(Output::kMask), "GRAY8 frame of class indices, 0 = none", "mask"},
      {0, nullptr, nullptr}};
  static const GType type = register_enum("GstCdfssSegOutput", values);
  return type;
}

GType precision_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(Precision::kAuto), "The fastest that the device does well", "auto"},
      {static_cast<int>(Precision::kFp32), "32-bit floating point", "fp32"},
      {static_cast<int>(Precision::kBf16), "bfloat16", "bf16"},
      {static_cast<int>(Precision::kFp16), "16-bit floating point", "fp16"},
      {0, nullptr, nullptr}};
  static const GType type = register_enum("GstCdfssSegPrecision", values);
  return type;
}

GType enhancement_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(Enhancement::kAuto), "What the model file says", "auto"},
      {static_cast<int>(Enhancement::kNone), "No features are restyled", "none"},
      {static_cast<int>(Enhancement::kSupport), "The support set's features", "support"},
      {static_cast<int>(Enhancement::kQuery), "The frame's features", "query"},
      {static_cast<int>(Enhancement::kBoth), "Support set and frame", "both"},
      {static_cast<int>(Enhancement::kUnion),
       "Prototypes of the original and of the restyled support set", "union"},
      {0, nullptr, nullptr}};
  static const GType type = register_enum("GstCdfssSegTargetEnhancement", values);
  return type;
}

constexpr GParamFlags flags() {
  return static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                  GST_PARAM_MUTABLE_PLAYING);
}

void install_string(GObjectClass* klass, Property id, const char* name, const char* nick,
                    const char* blurb, const char* default_value) {
  g_object_class_install_property(klass, id,
                                  g_param_spec_string(name, nick, blurb, default_value, flags()));
}

template <typename Value>
unsigned assign(Value& member, Value value, unsigned change) {
  if (member == value) return kNoChange;
  member = std::move(value);
  return change;
}

// The string in `value`, or `fallback` when it is null or empty.
std::string text_of(const GValue* value, const std::string& fallback = {}) {
  const char* text = g_value_get_string(value);
  return text == nullptr || *text == '\0' ? fallback : text;
}

}  // namespace

std::string default_model() {
  const char* named = g_getenv("CDFSS_MODEL");
  return named == nullptr || *named == '\0' ? CDFSS_INSTALLED_MODEL : named;
}

Settings::Settings() : model(default_model()) {}

SegmenterOptions Settings::segmenter_options() const {
  SegmenterOptions options{.device = device,
                           .precision = precision,
                           .input_size = input_size,
                           .threshold = threshold,
                           .use_model_enhancement = target_enhancement == Enhancement::kAuto};
  switch (target_enhancement) {
    case Enhancement::kAuto:
    case Enhancement::kNone:
      options.target_enhancement = TargetEnhancement::kNone;
      break;
    case Enhancement::kSupport:
      options.target_enhancement = TargetEnhancement::kSupport;
      break;
    case Enhancement::kQuery:
      options.target_enhancement = TargetEnhancement::kQuery;
      break;
    case Enhancement::kBoth:
      options.target_enhancement = TargetEnhancement::kBoth;
      break;
    case Enhancement::kUnion:
      options.target_enhancement = TargetEnhancement::kUnion;
      break;
  }
  return options;
}

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
      g_param_spec_float("threshold", "Threshold",
                         "Least foreground probability, 0 to 1, at which a pixel is given to a "
                         "class; -1 = what the model file says",
                         -1.0F, 1.0F, -1.0F, flags()));
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
  g_object_class_install_property(
      klass, kTargetEnhancement,
      g_param_spec_enum("target-enhancement", "Target enhancement",
                        "Whose features the model's memory restyles", enhancement_type(),
                        static_cast<int>(Enhancement::kAuto), flags()));
}

unsigned set_property(Settings& settings, guint id, const GValue* value) {
  switch (id) {
    case kSupport:
      return assign(settings.support, text_of(value), kSupportChange);
    case kModel:
      return assign(settings.model, text_of(value, default_model()), kNetworkChange);
    case kDevice:
      return assign(settings.device, text_of(value, "auto"), kNetworkChange);
    case kPrecision:
      return assign(settings.precision, static_cast<Precision>(g_value_get_enum(value)),
                    kNetworkChange);
    case kInputSize:
      return assign(settings.input_size, g_value_get_int(value), kNetworkChange);
    case kOutput:
      return assign(settings.output, static_cast<Output>(g_value_get_enum(value)), kOutputChange);
    case kThreshold:
      return assign(settings.threshold, g_value_get_float(value), kThresholdChange);
    case kClasses:
      return assign(settings.classes, text_of(value), kSupportChange);
    case kAlpha:
      settings.alpha = g_value_get_double(value);
      return kNoChange;
    case kTargetEnhancement:
      return assign(settings.target_enhancement, static_cast<Enhancement>(g_value_get_enum(value)),
                    kNetworkChange);
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
    case kTargetEnhancement:
      return g_value_set_enum(value, static_cast<int>(settings.target_enhancement));
    default:
      g_return_if_reached();
  }
}

}  // namespace cdfss
