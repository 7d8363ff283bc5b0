// The same code for each kind of CPU, so that a build for all of them uses the widest vectors of
// the one it runs on.
#pragma once

#include "tensor/cpu_features.h"
#include "tensor/lanes.h"

namespace cdfss {

// Kinds of CPUs: values of float32 in a register, and whether one instruction rounds them to
// bfloat16.
struct AnyCpu {
  static constexpr int kLanes = 4;
  static constexpr bool kRoundsToBf16 = false;
};
struct Avx2Cpu {
  static constexpr int kLanes = 8;
  static constexpr bool kRoundsToBf16 = false;
};
struct Avx512Cpu {
  static constexpr int kLanes = 16;
  static constexpr bool kRoundsToBf16 = false;
};
struct Avx512Bf16Cpu {
  static constexpr int kLanes = 16;
  static constexpr bool kRoundsToBf16 = true;
};

#if defined(__x86_64__)
// What is called is inlined wherever it can be: its own version is for any CPU.
#define CDFSS_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"), flatten))
#define CDFSS_AVX2 __attribute__((target("avx2,fma"), flatten))

template <auto kFunction, typename... A>
CDFSS_AVX512 void with_avx512(const A&... arguments) {
  kFunction(arguments...);
}
template <auto kFunction, typename... A>
CDFSS_AVX2 void with_avx2(const A&... arguments) {
  kFunction(arguments...);
}

#undef CDFSS_AVX512
#undef CDFSS_AVX2
#endif

// kFunction(arguments...), a function object without state.
template <auto kFunction, typename... A>
void on_this_cpu(const A&... arguments) {
#if defined(__x86_64__)
  if (cpu_has_avx512()) return with_avx512<kFunction>(arguments...);
  if (cpu_has_avx2()) return with_avx2<kFunction>(arguments...);
#endif
  kFunction(arguments...);
}

// A function object as it is for one kind of CPU.
template <auto kFunction, typename Cpu>
struct ForCpu {
  CDFSS_INLINE void operator()(const auto&... arguments) const {
    kFunction.template operator()<Cpu>(arguments...);
  }
};

// kFunction.operator()<Cpu>(arguments...), which is told for which kind of CPU it is compiled.
template <auto kFunction, typename... A>
void on_kind_of_cpu(const A&... arguments) {
#if defined(__x86_64__)
  if (cpu_multiplies_bf16()) return with_avx512<ForCpu<kFunction, Avx512Bf16Cpu>{}>(arguments...);
  if (cpu_has_avx512()) return with_avx512<ForCpu<kFunction, Avx512Cpu>{}>(arguments...);
  if (cpu_has_avx2()) return with_avx2<ForCpu<kFunction, Avx2Cpu>{}>(arguments...);
#endif
  ForCpu<kFunction, AnyCpu>{}(arguments...);
}

}  // namespace cdfss
