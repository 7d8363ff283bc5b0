// Sixteen channels of a pixel as float32, and how they come from memory and go back. All of it is
// inlined into code that is compiled for one kind of CPU.
#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>
#include <cstring>

#define CDFSS_INLINE inline __attribute__((always_inline))

namespace cdfss {

constexpr std::int64_t kLanes = 16;

using Lanes = float __attribute__((vector_size(4 * kLanes)));
using LaneBits = std::uint32_t __attribute__((vector_size(4 * kLanes)));
using HalfLaneBits = std::uint16_t __attribute__((vector_size(2 * kLanes)));

CDFSS_INLINE void load(const float* from, Lanes& to) { std::memcpy(&to, from, sizeof(to)); }
CDFSS_INLINE void load(const c10::BFloat16* from, Lanes& to) {
  HalfLaneBits half;
  std::memcpy(&half, from, sizeof(half));
  const LaneBits bits = __builtin_convertvector(half, LaneBits) << 16;
  std::memcpy(&to, &bits, sizeof(to));
}
CDFSS_INLINE void store(const Lanes& from, float* to) { std::memcpy(to, &from, sizeof(from)); }
// By the instruction of AVX512-BF16, in code that is compiled for AVX-512. It rounds as the other
// does, but makes subnormal values 0. (GCC takes the intrinsic in no function that is itself for
// any CPU.)
#if defined(__x86_64__)
CDFSS_INLINE void store_by_instruction(const Lanes& from, c10::BFloat16* to) {
  HalfLaneBits half;
  asm("vcvtneps2bf16 %1, %0" : "=v"(half) : "v"(from));
  std::memcpy(to, &half, sizeof(half));
}
#endif
CDFSS_INLINE void store(const Lanes& from, c10::BFloat16* to) {
  LaneBits bits;
  std::memcpy(&bits, &from, sizeof(bits));
  bits += 0x7FFF + ((bits >> 16) & 1);  // to nearest, half to even
  const HalfLaneBits half = __builtin_convertvector(bits >> 16, HalfLaneBits);
  std::memcpy(to, &half, sizeof(half));
}

}  // namespace cdfss
