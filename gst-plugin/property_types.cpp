#include "property_types.h"

#include "settings.h"

namespace cdfss {
namespace {

GType register_enum(const char* name, const GEnumValue* values) {
  const GType type = g_enum_register_static(name, values);
  gst_type_mark_as_plugin_api(type, static_cast<GstPluginAPIFlags>(0));
  return type;
}

constexpr float kDefault = -1.0F;

// Returns whether it had to change the value, which GObject takes for a refusal. Not a number is
// refused, too.
gboolean make_valid(GParamSpec*, GValue* value) {
  const float wanted = g_value_get_float(value);
  if (wanted == kDefault || (wanted >= 0.0F && wanted <= 1.0F)) return FALSE;
  g_value_set_float(value, kDefault);
  return TRUE;
}

void probability_class_init(gpointer klass, gpointer) {
  auto* spec_class = static_cast<GParamSpecClass*>(klass);
  spec_class->value_validate = make_valid;
#if GLIB_CHECK_VERSION(2, 74, 0)
  spec_class->value_is_valid = nullptr;  // the parent's, which knows of the range only
#endif
}

GType probability_or_default_type() {
  static const GType type = g_type_register_static_simple(
      G_TYPE_PARAM_FLOAT, "GstCdfssSegParamProbability", sizeof(GParamSpecClass),
      probability_class_init, sizeof(GParamSpecFloat), nullptr, static_cast<GTypeFlags>(0));
  return type;
}

}  // namespace

GType output_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(Output::kOverlay), "Classes drawn into the frame, in place", "overlay"},
      {static_cast<int>(Output::kMask), "GRAY8 frame of class indices, 0 = none", "mask"},
      {static_cast<int>(Output::kCutout), "RGBA or BGRA frame, transparent but for the classes",
       "cutout"},
      {static_cast<int>(Output::kMetadata), "Pixels as they are, results beside them", "metadata"},
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
      {static_cast<int>(Precision::kInt8), "8-bit integers", "int8"},
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

GParamSpec* probability_or_default_spec(const char* name, const char* nick, const char* blurb,
                                        GParamFlags flags) {
  auto* spec = static_cast<GParamSpecFloat*>(
      g_param_spec_internal(probability_or_default_type(), name, nick, blurb, flags));
  spec->minimum = kDefault;
  spec->maximum = 1.0F;
  spec->default_value = kDefault;
  return G_PARAM_SPEC(spec);
}

}  // namespace cdfss
