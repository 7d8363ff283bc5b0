#include "engine.h"

#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "cdfss/error.h"

namespace cdfss {
namespace {

SupportSet load_support(const Settings& settings) {
  if (settings.support.empty()) {
    throw Error(ErrorCode::kInvalidValue,
                "no support set: set the property 'support' to a folder with labelled images, "
                "for example support=fish/");
  }
  SupportSet support = SupportSet::load(settings.support);
  if (settings.classes.empty()) return support;
  std::vector<std::string> names;
  std::istringstream list(settings.classes);
  for (std::string name; std::getline(list, name, ';');) names.push_back(name);
  return support.select(names);
}

}  // namespace

Engine::Engine(const Settings& settings)
    : support_(load_support(settings)), segmenter_(settings.model, settings.segmenter_options()) {
  segmenter_.set_support(support_);
}

void Engine::apply(const Settings& settings, unsigned changes) {
  std::optional<SupportSet> support;
  if ((changes & kSupportChange) != 0) support = load_support(settings);
  if ((changes & kNetworkChange) != 0) {
    Segmenter next(settings.model, settings.segmenter_options());
    next.set_support(support ? *support : support_);
    segmenter_ = std::move(next);
  } else if (support) {
    segmenter_.set_support(*support);
  }
  if (support) support_ = std::move(*support);
  if ((changes & kThresholdChange) != 0) {
    const bool from_model = settings.threshold == -1.0F;
    segmenter_.set_threshold(from_model ? segmenter_.model_info().threshold : settings.threshold);
  }
}

const Mask& Engine::segment(const ImageView& frame) {
  segmenter_.segment(frame, mask_);
  return mask_;
}

}  // namespace cdfss
