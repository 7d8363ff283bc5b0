// at::parallel_for(), which runs in one thread, and says nothing, in a file that was compiled
// without the OpenMP that LibTorch was compiled with.
#pragma once

#include <ATen/Parallel.h>

#if !defined(INTRA_OP_PARALLEL)
#error "at::parallel_for() would run in one thread: compile with -fopenmp"
#endif
