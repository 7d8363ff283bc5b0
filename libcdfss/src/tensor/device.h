// Device names as users write them.
#pragma once

#include <c10/core/Device.h>

#include <string>

namespace cdfss {

// "auto" (cuda when there is one), "cpu", "cuda" (the first) or "cuda:N", as a device with an index
// where it is cuda. Throws Error(kInvalidValue) for another name or a device that is not there.
c10::Device device_from_name(const std::string& name);

}  // namespace cdfss
