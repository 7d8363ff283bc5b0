// The transforms of Winograd's filtering (winograd_tiles.h) from tensors to tensors, on the CPU.
// Images are channels-last [N, C, H, W], float32 or of the planes' dtype.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "tensor/winograd_tiles.h"

namespace cdfss {

// The tiles whose rounding errors products of `dtype`, float32 or bfloat16, can afford.
WinogradTile winograd_tile(at::ScalarType dtype);

// All tiles of x -> [planes, tiles, C] of `dtype`; `mask`, if defined, is like x.
at::Tensor to_planes(const at::Tensor& x, TileInput input, at::ScalarType dtype,
                     const at::Tensor& mask = {});

// The reverse fills y, cut off at 0 if `relu`.
void from_planes(const at::Tensor& planes, TileOutput output, bool relu, const at::Tensor& y);

// Tiles of images for a convolution of this dilation with products of `dtype`.
std::int64_t image_tiles(const at::Tensor& x, at::ScalarType dtype, int dilation);

// Those of them whose outputs have a pixel in `mask`, bool [N, H, W].
std::vector<std::int64_t> tiles_in(const at::Tensor& mask, at::ScalarType dtype, int dilation);

// The tiles of `range`, at most as many as fit into planes [tiles, planes, C].
void image_to_planes(const at::Tensor& x, int dilation, TileRange range, const at::Tensor& planes);

// The reverse.
void planes_to_image(const at::Tensor& planes, int dilation, TileRange range, TileFinish finish,
                     const at::Tensor& y);

}  // namespace cdfss
