#include "settings.h"

#include <glib.h>

namespace cdfss {

std::string default_model() {
  const char* named = g_getenv("CDFSS_MODEL");
  return named == nullptr || *named == '\0' ? CDFSS_INSTALLED_MODEL : named;
}

Settings::Settings() : model(default_model()) {}

bool Settings::same_network(const Settings& other) const {
  return model == other.model && device == other.device && precision == other.precision &&
         input_size == other.input_size;
}

SegmenterOptions Settings::segmenter_options() const {
  SegmenterOptions options{.device = device,
                           .precision = precision,
                           .input_size = input_size,
                           .threshold = threshold,
                           .use_model_enhancement = target_enhancement == Enhancement::kAuto,
                           .threads = threads};
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

}  // namespace cdfss
