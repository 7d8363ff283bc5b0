// Where the CPU's tensors get their memory from: those of a frame from one place that is used again
// by the next frame.
#pragma once

#include "tensor/arena.h"

namespace cdfss {

enum class TensorLifetime {
  kLasting,  // as any other program's
  kFrame,    // gone with the frame, most of them long before
};

// Says of the large CPU tensors that this thread makes how long they will live, until the guard
// goes. Such guards may be nested. A tensor may all the same live longer, and be freed by any
// thread. Other threads, and other users of LibTorch in the process, are not affected.
class TensorLifetimeGuard {
 public:
  explicit TensorLifetimeGuard(TensorLifetime lifetime);
  ~TensorLifetimeGuard();
  TensorLifetimeGuard(const TensorLifetimeGuard&) = delete;
  TensorLifetimeGuard& operator=(const TensorLifetimeGuard&) = delete;

  static constexpr std::size_t kLeastBytes = std::size_t{64}
                                             << 10;  // less is left to the C library

 private:
  TensorLifetime before_;
};

// The place, one for all networks: what one does not use at a time, another can.
Arena& frame_arena();

}  // namespace cdfss
