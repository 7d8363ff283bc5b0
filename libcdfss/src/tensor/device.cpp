#include "tensor/device.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include <charconv>
#include <string_view>

#include "cdfss/error.h"

namespace cdfss {

c10::Device device_from_name(const std::string& name) {
  const int available = at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
  if (name == "cpu" || (name == "auto" && available == 0)) return c10::kCPU;
  int index = 0;
  if (name != "auto" && name != "cuda") {
    constexpr std::string_view kPrefix = "cuda:";
    const char* const end = name.data() + name.size();
    const bool prefixed = name.starts_with(kPrefix);
    const auto parsed =
        std::from_chars(prefixed ? name.data() + kPrefix.size() : end, end, index);
    if (parsed.ec != std::errc() || parsed.ptr != end || index < 0 || index > 127) {
      throw Error(ErrorCode::kInvalidValue,
                  "device \"" + name + "\": expected auto, cpu, cuda or cuda:N");
    }
  }
  if (index >= available) {
    throw Error(ErrorCode::kInvalidValue, "device \"" + name + "\" is not there: " +
                                              std::to_string(available) +
                                              " CUDA devices can be used");
  }
  return {c10::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

}  // namespace cdfss
