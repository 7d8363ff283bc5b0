// Times what runs on a device to its end.
#pragma once

#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/Device.h>

#include <chrono>

namespace cdfss::bench {

inline void wait_for(c10::Device device) {
  if (device.is_cuda()) at::detail::getCUDAHooks().deviceSynchronize(device.index());
}

template <typename Body>
double seconds_of(c10::Device device, Body&& body) {
  wait_for(device);
  const auto start = std::chrono::steady_clock::now();
  body();
  wait_for(device);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace cdfss::bench
