// What becomes of memory that was freed.
#pragma once

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "tensor/tensor_lifetime.h"

namespace cdfss {

// For a program that needs soon what it has freed, as training does in every step: the C library
// keeps it all. It would else return large blocks to the system, which clears each page before it
// lends it again. For the start of the program.
inline void keep_unused_memory() {
#ifdef __GLIBC__
  constexpr int kNever = 1 << 30;  // bytes
  mallopt(M_MMAP_THRESHOLD, kNever);
  mallopt(M_TRIM_THRESHOLD, kNever);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

// For after a network was loaded, made ready or dropped, or a support set was read: the frames'
// arena keeps what such work took and frames may not need, and glibc keeps what was freed below
// what is in use, which is then as much as a network. Takes milliseconds.
inline void release_unused_memory() {
  frame_arena().give_back();
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace cdfss
