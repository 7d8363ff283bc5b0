// Memory that was freed, back to the system.
#pragma once

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace cdfss {

// For after a network was loaded, made ready or dropped: glibc keeps what was freed below what is
// in use, which is then as much as a network. Takes milliseconds.
inline void release_unused_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace cdfss
