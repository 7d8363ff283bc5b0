// The same code for each kind of CPU, so that a build for all of them uses the widest vectors of
// the one it runs on.
#pragma once

#include "tensor/lanes.h"

namespace cdfss {

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
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return with_avx512<kFunction>(arguments...);
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return with_avx2<kFunction>(arguments...);
  }
#endif
  kFunction(arguments...);
}

}  // namespace cdfss
