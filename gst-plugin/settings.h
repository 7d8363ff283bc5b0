// Values of the element's properties, and what follows from changing them.
#pragma once

#include <string>

#include "cdfss/segmenter.h"

namespace cdfss {

enum class Output { kOverlay, kMask, kCutout, kMetadata };
// The property's values: the library's, and `auto` for what the model file says.
enum class Enhancement { kAuto, kNone, kSupport, kQuery, kBoth, kUnion };

// Values of all properties; gst-inspect-1.0 shows the defaults below.
struct Settings {
  Settings();  // `model` is the default one

  std::string support;  // folder; empty = not set
  std::string model;
  std::string device = "auto";
  std::string classes;  // `;`-separated, empty = all
  Precision precision = Precision::kAuto;
  Enhancement target_enhancement = Enhancement::kAuto;
  int input_size = 0;
  float threshold = -1.0F;
  Output output = Output::kOverlay;
  double alpha = 0.5;
  bool draw_contours = true;
  bool draw_labels = false;

  SegmenterOptions segmenter_options() const;
};

// The model file that is used when none is named: what the environment variable CDFSS_MODEL says,
// else the installed one.
std::string default_model();

// What has to be made anew after properties were set; a set of bits.
enum Change : unsigned {
  kNoChange = 0,
  kNetworkChange = 1U << 0,  // model, device, precision, input size, enhancement
  kSupportChange = 1U << 1,  // support set or its classes
  kThresholdChange = 1U << 2,
  kOutputChange = 1U << 3,  // needs other caps
};

}  // namespace cdfss
