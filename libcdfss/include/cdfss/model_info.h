// What a model file says about itself.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cdfss/export.h"

namespace cdfss {

// Whose features the memory bank restyles at inference (SPEC B10). kUnion keeps the prototypes of
// the original and the restyled support.
enum class TargetEnhancement { kNone, kSupport, kQuery, kBoth, kUnion };

// "none", "support", "query", "both", "union"; the parser throws Error(kInvalidValue) on others.
CDFSS_EXPORT const char* to_string(TargetEnhancement value);
CDFSS_EXPORT TargetEnhancement target_enhancement_from_string(const std::string& text);

struct ModelInfo {
  std::string backbone{};            // "resnet50-caffe", "resnet101-deep", ...
  std::vector<int> memory_layers{};  // backbone stages followed by a meta-memory; empty = none
  int memory_slots = 0;              // N stored styles a layer
  int input_size = 0;                // network side S in pixels, (S - 1) % 8 == 0
  float threshold = 0.5F;            // least foreground probability, 0..1
  TargetEnhancement target_enhancement = TargetEnhancement::kNone;
  std::map<std::string, std::string> metadata{};  // everything else the file carries, as stored
};

// Reads only the header of a model file. Throws Error(kNotFound | kUnreadable | kBadModel).
CDFSS_EXPORT ModelInfo read_model_info(const std::filesystem::path& file);

}  // namespace cdfss
