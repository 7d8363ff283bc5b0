// Mixed precision for a scope.
#pragma once

#include <c10/core/DeviceType.h>

namespace cdfss {

// While it lives, convolutions and matrix products on `device` run in bfloat16, or in their inputs'
// type if not `enabled`; the state before is restored at the end. The outermost one drops the casts
// of weights made meanwhile.
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
