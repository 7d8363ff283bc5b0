#include "device.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include "cdfss/error.h"
#include "tensor/cpu_features.h"
#include "tensor/quantised_convolution.h"

namespace cdfss {

c10::Device resolve_device(const std::string& name) {
  const int cuda_devices = at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
  if (name == "cpu") return c10::Device(c10::kCPU);
  if (name == "auto") {
    return cuda_devices > 0 ? c10::Device(c10::kCUDA, 0) : c10::Device(c10::kCPU);
  }
  const auto unusable = [&](const std::string& why) {
    return Error(ErrorCode::kInvalidValue, "device \"" + name + "\": " + why);
  };
  int index = 0;
  if (name != "cuda") {
    const bool numbered = name.starts_with("cuda:") && name.size() > 5 && name.size() <= 8 &&
                          name.find_first_not_of("0123456789", 5) == std::string::npos;
    if (!numbered) throw unusable("expected auto, cpu, cuda or cuda:N");
    index = std::stoi(name.substr(5));
  }
  if (index >= cuda_devices) {
    throw unusable("there are " + std::to_string(cuda_devices) + " CUDA devices");
  }
  return {c10::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

const char* to_string(Precision value) {
  switch (value) {
    case Precision::kFp32:
      return "fp32";
    case Precision::kBf16:
      return "bf16";
    case Precision::kFp16:
      return "fp16";
    case Precision::kInt8:
      return "int8";
    default:
      return "auto";
  }
}

Precision resolve_precision(Precision wanted, c10::Device device) {
  if (wanted == Precision::kAuto) {
    if (device.is_cuda()) return Precision::kFp16;
    return cpu_multiplies_bf16() ? Precision::kBf16 : Precision::kFp32;
  }
  if (wanted == Precision::kFp16 && device.is_cpu()) {
    throw Error(ErrorCode::kInvalidValue,
                "precision fp16 on the CPU: expected fp32, bf16 or auto there");
  }
  if (wanted == Precision::kInt8 && !device.is_cpu()) {
    throw Error(ErrorCode::kInvalidValue,
                "precision int8 on " + device.str() + ": expected fp16, bf16, fp32 or auto there");
  }
  if (wanted == Precision::kInt8 && !QuantisedConvolution::available()) {
    throw Error(ErrorCode::kInvalidValue,
                "precision int8: expected a CPU with AVX512-VNNI or AVX-VNNI, and a LibTorch with "
                "oneDNN");
  }
  return wanted;
}

c10::ScalarType scalar_type(Precision resolved) {
  switch (resolved) {
    case Precision::kBf16:
      return c10::ScalarType::BFloat16;
    case Precision::kFp16:
      return c10::ScalarType::Half;
    case Precision::kInt8:
      return cpu_multiplies_bf16() ? c10::ScalarType::BFloat16 : c10::ScalarType::Float;
    default:
      return c10::ScalarType::Float;
  }
}

}  // namespace cdfss
