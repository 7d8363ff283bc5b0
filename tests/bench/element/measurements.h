// What cdfss-element-bench measures; each returns what it found.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace cdfss {

struct ElementBench {
  std::string model, support, other_support;
  int width = 1280, height = 720;  // of the video
  int frames = 40;                 // of a stream that does not wait
  int seconds = 30;                // of live video, at 30 frames a second
  int input_size = 0;              // 0 = the model's
  int threads = 0;                 // 0 = one a core

  // The element's properties.
  std::string properties() const;
};

// What a frame costs in a pipeline beyond what Segmenter::segment costs on the same frame, in turns
// (the median of the differences), for RGB and NV12 video.
nlohmann::json measure_sync(const ElementBench& bench);
// Live video with async=true: what reaches a synchronising sink, and how late.
nlohmann::json measure_live(const ElementBench& bench);
// The longest time between two frames at the sink while support sets are replaced every two
// seconds, with async=true on live video and with async=false as fast as it goes.
nlohmann::json measure_replacement(const ElementBench& bench);

}  // namespace cdfss
