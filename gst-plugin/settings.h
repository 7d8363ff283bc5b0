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
  int inference_interval = 1;  // frames
  bool async = false;
  double temporal_smoothing = 0;
  int threads = 0;  // 0 = LibTorch's default
  bool post_messages = false;
  bool watch = false;

  SegmenterOptions segmenter_options() const;
  // Whether both mean the same network on images of the same size.
  bool same_network(const Settings& other) const;
};

// The model file that is used when none is named: what the environment variable CDFSS_MODEL says,
// else the installed one.
std::string default_model();

// What has to be made anew after properties were set; a set of bits.
enum Change : unsigned {
  kNoChange = 0,
  kEngineChange = 1U << 0,  // model, support set, and what they are used with: needs loading
  kThresholdChange = 1U << 1,
  kSmoothingChange = 1U << 2,
  kOutputChange = 1U << 3,  // needs other caps
  kWatchChange = 1U << 4,   // the folder to watch, or whether to
  kLatencyChange = 1U << 5,
};

}  // namespace cdfss
