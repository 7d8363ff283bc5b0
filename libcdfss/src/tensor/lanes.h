// Channels of a pixel side by side, as float32 vectors, and how they come from memory and go back.
// All of it is inlined into code that is compiled for one kind of CPU.
#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>
#include <cstring>

#define CDFSS_INLINE inline __attribute__((always_inline))

namespace cdfss {

// Vectors of kCount values. Only those that the CPU has registers for live in registers.
template <int kCount>
struct LanesOf {
  typedef float Floats __attribute__((vector_size(4 * kCount)));
  typedef std::uint32_t Bits __attribute__((vector_size(4 * kCount)));
  typedef std::uint16_t HalfBits __attribute__((vector_size(2 * kCount)));
};
// The types that go with a vector of floats.
template <typename Floats>
using LanesLike = LanesOf<sizeof(Floats) / sizeof(float)>;

// As many as the widest of CPUs has in one register.
constexpr std::int64_t kLanes = 16;
using Lanes = LanesOf<kLanes>::Floats;

template <typename Floats>
CDFSS_INLINE void load(const float* from, Floats& to) {
  std::memcpy(&to, from, sizeof(to));
}
template <typename Floats>
CDFSS_INLINE void load(const c10::BFloat16* from, Floats& to) {
  typename LanesLike<Floats>::HalfBits half;
  std::memcpy(&half, from, sizeof(half));
  const auto bits = __builtin_convertvector(half, typename LanesLike<Floats>::Bits) << 16;
  std::memcpy(&to, &bits, sizeof(to));
}
template <typename Floats>
CDFSS_INLINE void store(const Floats& from, float* to) {
  std::memcpy(to, &from, sizeof(from));
}
// By the instruction of AVX512-BF16, in code that is compiled for AVX-512. It rounds as the other
// does, but makes subnormal values 0. (GCC takes the intrinsic in no function that is itself for
// any CPU.)
#if defined(__x86_64__)
CDFSS_INLINE void store_by_instruction(const Lanes& from, c10::BFloat16* to) {
  LanesOf<kLanes>::HalfBits half;
  asm("vcvtneps2bf16 %1, %0" : "=v"(half) : "v"(from));
  std::memcpy(to, &half, sizeof(half));
}
#endif
template <typename Floats>
CDFSS_INLINE void store(const Floats& from, c10::BFloat16* to) {
  typename LanesLike<Floats>::Bits bits;
  std::memcpy(&bits, &from, sizeof(bits));
  bits += 0x7FFF + ((bits >> 16) & 1);  // to nearest, half to even
  const auto half = __builtin_convertvector(bits >> 16, typename LanesLike<Floats>::HalfBits);
  std::memcpy(to, &half, sizeof(half));
}

}  // namespace cdfss
