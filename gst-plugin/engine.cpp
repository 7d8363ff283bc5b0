#include "engine.h"

#include <sstream>
#include <string>
#include <vector>

#include "cdfss/error.h"
#include "cdfss/support_set.h"

namespace cdfss {
namespace {

// Throws Error.
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

[[noreturn]] void throw_stopped() {
  throw Error(ErrorCode::kInference, "loading was given up: the element is being stopped");
}

}  // namespace

Engine::Engine(const Settings& settings, bool warm, const std::stop_token& stop)
    : segmenter_(settings.model, settings.segmenter_options()) {
  if (!segmenter_.set_support(load_support(settings), stop)) throw_stopped();
  if (!warm) warm_up(stop);
  set_temporal_smoothing(settings.temporal_smoothing);
}

// Twice: the first run sets up, the second is measured.
void Engine::warm_up(const std::stop_token& stop) {
  const int side = segmenter_.input_size();
  const Image grey{side, side, std::vector<std::uint8_t>(std::size_t{3} * side * side, 128)};
  Mask mask;
  for (int run = 0; run < 2; ++run) {
    if (stop.stop_requested()) throw_stopped();
    const auto start = std::chrono::steady_clock::now();
    segmenter_.segment(grey.view(), mask);
    expected_latency_ = std::chrono::steady_clock::now() - start;
  }
}

void Engine::set_threshold(float threshold) {
  const bool from_model = threshold == -1.0F;
  segmenter_.set_threshold(from_model ? segmenter_.model_info().threshold : threshold);
}

void Engine::set_temporal_smoothing(double weight) {
  smoothing_ = weight;
  segmenter_.set_temporal_smoothing(static_cast<float>(weight));
}

void Engine::segment(const ImageView& frame, Mask& mask) {
  if (smoothing_ > 0 && scene_cut_.is_cut(frame)) segmenter_.forget_previous_image();
  segmenter_.segment(frame, mask);
}

}  // namespace cdfss
