#include "property_types.h"

#include "settings.h"

namespace cdfss {
namespace {

GType register_enum(const char* name, const GEnumValue* values) {
  const GType type = g_enum_register_static(name, values);
  gst_type_mark_as_plugin_api(type, static_cast<GstPluginAPIFlags>(0));
  return type;
}

}  // namespace

GType output_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(Output::kOverlay), "Classes drawn into the frame, in place", "overlay"},
      {static_cast<int>(Output::kMask), "GRAY8 frame of class indices, 0 = none", "mask"},
      {static_cast<int>(Output::kCutout), "RGBA or BGRA frame, transparent but for the classes",
       "cutout"},
      {static_cast<int>(Output::kMetadata), "Pixels as they are, results beside them",
       "metadata"},
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

}  // namespace cdfss
