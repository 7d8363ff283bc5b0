// One stream of images on an accelerator, between host memory and host memory.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/StreamGuard.h>

#include <string>
#include <vector>

#include "device_mask.h"
#include "run_network.h"
#include "tensor/device_input.h"
#include "tensor/device_stream.h"

namespace cdfss {

// Has a stream of its own, so that one caller's image is sent, and another's mask decided and
// brought back, while the network is at work for a third. For one image at a time.
class DeviceFrames {
 public:
  explicit DeviceFrames(c10::Device device)
      : stream_(new_stream(device)), input_(device), mask_(device) {}

  // As frame_input(), `network` (at::Tensor(const at::Tensor& input), logits [classes, h, h]) and
  // mask_from_logits(), with one wait for the device, at the end. Throws Error(kInvalidValue) for a
  // bad view, (kInference | kOutOfMemory) when the device fails, and what `network` throws.
  template <typename Network>
  void segment(const ImageView& image, int side, Network&& network, float threshold,
               const std::vector<std::string>& names, bool with_probabilities, Mask& mask) {
    const c10::StreamGuard on_stream(stream_);
    const at::Tensor input =
        run_network("reading an image", [&] { return input_.read(image, side); });
    const at::Tensor logits = network(input);
    run_network("deciding a mask", [&] {
      mask_.read(logits, threshold, names, image.width, image.height, with_probabilities, mask);
    });
  }

 private:
  c10::Stream stream_;
  DeviceInput input_;
  DeviceMask mask_;
};

}  // namespace cdfss
