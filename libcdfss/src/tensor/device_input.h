// A frame as the network sees it, made where the network runs.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <optional>
#include <vector>

#include "cdfss/image.h"
#include "tensor/device_taps.h"
#include "tensor/host_staging.h"

namespace cdfss {

// What frame_input() makes, from bytes that are sent to the device as they are: of each plane only
// the rows that the resize reads, without what pads them. For one frame at a time.
class DeviceInput {
 public:
  explicit DeviceInput(c10::Device device) : device_(device), staging_(device) {}

  // Any view -> float [1, 3, side, side] on the device, channels-last, equal to frame_input() up to
  // rounding. Returns when the view has been read; copy and computation are enqueued on the
  // device's current stream, which must have got past them before the next call. Throws as
  // validate().
  at::Tensor read(const ImageView& image, int side);

 private:
  // Where the resize reads a plane: `rows` [2 side, 1] among the plane's `sent` rows, `columns`
  // [2 side], both int64, the first taps of all output pixels before the second ones.
  struct Crossings {
    std::vector<int> sent;
    at::Tensor rows, columns;
  };
  // What depends on sizes only: copying it to the device would hold up every frame.
  struct Geometry {
    int width, height, side;
    DeviceTaps across, down;
    Crossings pixels, chroma;  // of planes of the image's size and of half of it
    at::Tensor mean, scale;    // float [3]

    Geometry(int width, int height, int side, c10::Device device);
  };
  struct Plane {
    int index, width, channels;
    const Crossings* crossings;
  };
  static std::vector<Plane> planes_of(const ImageView& image, const Geometry& geometry);
  const Geometry& geometry_for(const ImageView& image, int side);

  c10::Device device_;
  HostStaging staging_;
  std::optional<Geometry> geometry_;  // of the last frame
};

}  // namespace cdfss
