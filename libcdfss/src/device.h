// Which device and arithmetic a network runs on.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <string>

#include "cdfss/segmenter.h"

namespace cdfss {

// "auto" (the first CUDA device, else the CPU), "cpu", "cuda" or "cuda:N". Throws
// Error(kInvalidValue) naming the device and what there is.
c10::Device resolve_device(const std::string& name);

// kAuto: fp16 on CUDA, bf16 on CPUs with AVX512-BF16 or AMX, else fp32. Throws Error(kInvalidValue)
// for fp16 on the CPU, where it is slower than fp32, and for int8 where it is not to be had.
Precision resolve_precision(Precision wanted, c10::Device device);

// Of what is not in 8 bits, for kInt8: bfloat16 where the CPU multiplies it, else float.
c10::ScalarType scalar_type(Precision resolved);

}  // namespace cdfss
