// Mixed precision for a scope.
#pragma once

#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>

namespace cdfss {

// While it lives, convolutions and matrix products on `device` run in `precision`: kBFloat16 or
// kHalf, or as without it for kFloat. Casts of weights are not kept. At its end the state
// before is restored.
class Autocast {
 public:
  Autocast(c10::DeviceType device, c10::ScalarType precision);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  c10::DeviceType device_;
  bool was_enabled_;
  c10::ScalarType previous_;
  bool was_cached_;
};

}  // namespace cdfss
