// From the network's logits to a mask of the image's size, decided where the network runs.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "cdfss/mask.h"
#include "tensor/device_taps.h"
#include "tensor/host_staging.h"

namespace cdfss {

// What mask_from_logits() makes. The device resizes, decides and measures; class numbers and
// measures come back in one copy. For one mask at a time.
class DeviceMask {
 public:
  explicit DeviceMask(c10::Device device) : staging_(device) {}

  // As mask_from_logits(), up to rounding; logits float [classes, h, w] on the device. Enqueued on
  // its current stream, for which it waits. Probabilities, where asked for, are copied back class
  // by class.
  void read(const at::Tensor& logits, float threshold, const std::vector<std::string>& names,
            int width, int height, bool with_probabilities, Mask& mask);

 private:
  // What depends on sizes only: copying it to the device would hold up every frame.
  struct Geometry {
    std::int64_t logits_width, logits_height;
    int width, height;
    DeviceTaps across, down;
    at::Tensor columns, rows;  // int64, 0 to width and to height
  };
  const Geometry& geometry_for(const at::Tensor& logits, int width, int height);

  HostStaging staging_;
  std::optional<Geometry> geometry_;  // of the last mask
};

}  // namespace cdfss
