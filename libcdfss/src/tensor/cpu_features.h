// What the CPU that the program runs on can do.
#pragma once

namespace cdfss {

// Vectors of eight floats, multiplied and added at once.
inline bool cpu_has_avx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
#else
  return false;
#endif
}

// Vectors of sixteen, and the instructions that all CPUs with such vectors but the first have.
inline bool cpu_has_avx512() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
#else
  return false;
#endif
}

// Multiplies and rounds to bfloat16 in hardware (AVX512-BF16; every CPU with AMX has that, too).
inline bool cpu_multiplies_bf16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

// Sums products of bytes in 32 bits in hardware (AVX512-VNNI or AVX-VNNI). Without, oneDNN sums
// pairs of them in 16, which overflow.
inline bool cpu_multiplies_int8() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512vnni") != 0 || __builtin_cpu_supports("avxvnni") != 0;
#else
  return false;
#endif
}

}  // namespace cdfss
