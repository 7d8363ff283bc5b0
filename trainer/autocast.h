// Mixed precision for a scope.
#pragma once

#include <c10/core/DeviceType.h>

namespace cdfss {

// While it lives, convolutions and matrix products on `device` run in bfloat16, if `enabled`. At its
// end the state before is restored and the casts of weights made meanwhile are dropped.
class Bf16Autocast {
 public:
  Bf16Autocast(c10::DeviceType device, bool enabled);
  ~Bf16Autocast();
  Bf16Autocast(const Bf16Autocast&) = delete;
  Bf16Autocast& operator=(const Bf16Autocast&) = delete;

 private:
  c10::DeviceType device_;
  bool previous_;
};

}  // namespace cdfss
