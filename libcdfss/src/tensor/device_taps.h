// AxisTaps as tensors, for interpolation on any device.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "tensor/axis_taps.h"

namespace cdfss {

// int64 [n]
inline at::Tensor index_tensor(const std::vector<int>& values, c10::Device device) {
  return at::tensor(values, at::kInt).to(device, at::kLong);
}

// Each operation rounds on its own, as between(float, float, float) does, so that devices agree
// with the CPU. `share` broadcasts over `a` and `b`.
inline at::Tensor between(const at::Tensor& a, const at::Tensor& b, const at::Tensor& share) {
  return (1.0F - share) * a + share * b;
}

struct DeviceTaps {
  at::Tensor first, second;  // int64 [n]
  at::Tensor share;          // float [n]

  DeviceTaps(const AxisTaps& taps, c10::Device device)
      : first(index_tensor(taps.first, device)),
        second(index_tensor(taps.second, device)),
        share(at::tensor(taps.share).to(device)) {}
};

}  // namespace cdfss
