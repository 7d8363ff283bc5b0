// Where superpixel-guided clustering starts: seeds spread over a support mask (SPEC A4-A5).
#pragma once

#include <ATen/core/Tensor.h>

namespace cdfss {

enum class SeedMode {
  kFixed,     // without the released code's edge cases (default)
  kFaithful,  // bit-equal to the released code
};

inline constexpr int kMaxSeeds = 5;

// Seeds on the ((H-1)/8+1) x ((W-1)/8+1) feature grid of a mask uint8 [H, W] (1 = object, anything
// else is not), CPU. Returns int64 [n, 2] (row, column), n = min(round(area / 100 cells), 5).
// kFixed: farthest-from-border points in turn, every one inside the object, the crop's border
// counting as border. kFaithful: always [5, 2] with unused rows 0, including the released distance
// transform's values for an object that fills its bounding box.
// Throws Error(kInvalidValue) unless `mask` is a 2-D uint8 CPU tensor.
at::Tensor place_seeds(const at::Tensor& mask, SeedMode mode = SeedMode::kFixed);

// The rows of a faithful [5, 2] table that the released network uses: the first n' rows, n' = the
// larger count of non-zero rows or columns (SPEC A5); a true seed at (0, 0) is not counted.
at::Tensor released_seed_rows(const at::Tensor& seeds);

}  // namespace cdfss
