// The segmenter with its support set, made as the element's properties say. Knows no GStreamer
// object; used by one thread at a time.
#pragma once

#include <chrono>
#include <filesystem>
#include <stop_token>

#include "cdfss/mask.h"
#include "cdfss/segmenter.h"
#include "scene_cut.h"
#include "settings.h"

namespace cdfss {

class Engine {
 public:
  // Loads support set and model and, unless the network is `warm`, runs it once, so that the first
  // frame does not wait for what is set up on first use; while it runs, other streams' frames wait.
  // Throws Error, also when `stop` ended it early.
  Engine(const Settings& settings, bool warm, const std::stop_token& stop);

  // What changes without loading.
  void set_threshold(float threshold);  // 0..1, -1 = the model's
  void set_temporal_smoothing(double weight);

  // Throws Error.
  void segment(const ImageView& frame, Mask& mask);

  // What a frame takes, as measured when the engine was made; 0 when it was warm.
  std::chrono::nanoseconds expected_latency() const { return expected_latency_; }
  const Segmenter& segmenter() const { return segmenter_; }

 private:
  void warm_up(const std::stop_token& stop);

  Segmenter segmenter_;
  SceneCut scene_cut_;
  double smoothing_ = 0;
  std::chrono::nanoseconds expected_latency_{0};
};

}  // namespace cdfss
