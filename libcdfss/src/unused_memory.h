// Memory that was freed, back to the system.
#pragma once

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "tensor/tensor_lifetime.h"

namespace cdfss {

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
