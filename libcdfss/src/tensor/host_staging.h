// Host memory that a device copies from and to.
#pragma once

#include <ATen/ATen.h>
#include <c10/core/Device.h>

namespace cdfss {

// Pinned, so that copies run beside computation, and kept, since pinning takes longer than most
// copies. For one user at a time, who waits for a copy before touching its bytes again.
class HostStaging {
 public:
  // For copies from and to `device`; plain memory if that is the CPU.
  explicit HostStaging(c10::Device device) : pinned_(!device.is_cpu()) {}

  // uint8 [count], not initialised: the same memory as the last call's unless that was smaller.
  at::Tensor bytes(std::int64_t count) {
    if (!memory_.defined() || memory_.numel() < count) {
      memory_ = at::empty({count}, at::TensorOptions().dtype(at::kByte).pinned_memory(pinned_));
    }
    return memory_.narrow(0, 0, count);
  }

 private:
  bool pinned_;
  at::Tensor memory_;  // undefined before the first call
};

}  // namespace cdfss
