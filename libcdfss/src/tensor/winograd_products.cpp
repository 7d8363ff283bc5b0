#include "tensor/winograd_products.h"

#include <ATen/ATen.h>

#include "tensor/matrix_product.h"
#include "tensor/parallel.h"
#include "tensor/winograd_planes.h"

namespace cdfss {
namespace {

at::Tensor channels_last(const at::Tensor& x) {
  return x.contiguous(at::MemoryFormat::ChannelsLast);
}

// [K, C, 3, 3] -> [C, K, 3, 3], channels-last: the transpose of one matrix, which LibTorch copies
// faster than it permutes.
at::Tensor of_channels(const at::Tensor& kernels) {
  const at::Tensor rows = kernels.flatten(1).t().contiguous();  // [C 3 3, K]
  return rows.view({kernels.size(1), 3, 3, kernels.size(0)}).permute({0, 3, 1, 2});
}

// Matrices [tiles, C] of all tiles of x.
at::Tensor matrices_of(const at::Tensor& x, TileInput input, at::ScalarType dtype) {
  return keeps_panels(dtype) ? to_panels(x, input) : to_planes(x, input, dtype);
}

}  // namespace

PlaneFactors::PlaneFactors(at::Tensor matrices, std::int64_t rows, std::int64_t columns)
    : matrices_(std::move(matrices)), rows_(rows), columns_(columns) {}

PlaneFactors PlaneFactors::of_kernels(const at::Tensor& kernels, at::ScalarType dtype) {
  // bmm() takes transposed matrices as fast as others.
  const at::Tensor matrices =
      keeps_panels(dtype) ? to_panels(of_channels(kernels), TileInput::kKernel)
                          : to_planes(channels_last(kernels), TileInput::kKernel, dtype).mT();
  return {matrices, kernels.size(1), kernels.size(0)};
}

PlaneFactors PlaneFactors::of_rotated_kernels(const at::Tensor& kernels, at::ScalarType dtype) {
  return {matrices_of(channels_last(kernels), TileInput::kRotatedKernel, dtype), kernels.size(0),
          kernels.size(1)};
}

PlaneFactors PlaneFactors::of_images(const at::Tensor& images, at::ScalarType dtype) {
  return {matrices_of(images, TileInput::kImage, dtype), image_tiles(images, dtype, 1),
          images.size(1)};
}

at::Tensor PlaneFactors::products(const at::Tensor& left) const {
  if (matrices_.dim() == 3) return at::bmm(left, matrices_);
  const at::Tensor result = empty_planes(left.size(1), columns_, at::kFloat);
  const float* const lefts = left.const_data_ptr<float>();
  const float* const panels = matrices_.const_data_ptr<float>();
  float* const results = result.mutable_data_ptr<float>();
  at::parallel_for(0, left.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) {
      multiply({lefts + p * left.stride(0), left.stride(1), left.stride(2)}, left.size(1), rows_,
               panels + p * matrices_.stride(0), columns_, {}, results + p * result.stride(0),
               result.stride(1));
    }
  });
  return result;
}

}  // namespace cdfss
