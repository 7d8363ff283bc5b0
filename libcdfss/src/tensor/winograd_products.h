// The products between Winograd's transforms (winograd_tiles.h), of two matrices a plane.
#pragma once

#include <ATen/core/Tensor.h>

namespace cdfss {

// The right factors, as the product reads them fastest on this CPU. `dtype` is that of the
// products, float32 or bfloat16.
class PlaneFactors {
 public:
  // Of kernels [K, C, 3, 3] of any float dtype, for images of C channels: matrices [C, K].
  static PlaneFactors of_kernels(const at::Tensor& kernels, at::ScalarType dtype);
  // Of the same kernels turned by 180 degrees, for gradients of K channels: [K, C].
  static PlaneFactors of_rotated_kernels(const at::Tensor& kernels, at::ScalarType dtype);
  // Of images [N, C, H, W], channels-last: [tiles, C].
  static PlaneFactors of_images(const at::Tensor& images, at::ScalarType dtype);

  // left [planes, n, rows] * matrices [rows, columns] -> [planes, n, columns], a row's values side
  // by side. Those of `left` may lie in memory in any order.
  at::Tensor products(const at::Tensor& left) const;

 private:
  PlaneFactors(at::Tensor matrices, std::int64_t rows, std::int64_t columns);

  at::Tensor matrices_;  // [planes, rows, columns], or to_panels() where keeps_panels()
  std::int64_t rows_, columns_;
};

}  // namespace cdfss
