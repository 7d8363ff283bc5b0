// The transforms of Winograd's filtering (winograd_tiles.h) from tensors to tensors, on the CPU.
// Images are channels-last [N, C, H, W], float32 or of the planes' dtype; planes [planes, tiles, C]
// have a tile's channels side by side, and any order of the rest.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "tensor/winograd_tiles.h"

namespace cdfss {

// The tiles whose rounding errors products of `dtype`, float32 or bfloat16, can afford.
WinogradTile winograd_tile(at::ScalarType dtype);

// Whether products of `dtype` are matrix_product.h's on this CPU, from panels.
bool keeps_panels(at::ScalarType dtype);

// For so many tiles, with unset values.
at::Tensor empty_planes(std::int64_t tiles, std::int64_t channels, at::ScalarType dtype);

// All tiles of x -> planes of `dtype`; `mask`, if defined, is like x.
at::Tensor to_planes(const at::Tensor& x, TileInput input, at::ScalarType dtype,
                     const at::Tensor& mask = {});

// The same of float32, as right factors of products: a row a plane, which begins with its panels
// (matrix_product.h) of tiles x C.
at::Tensor to_panels(const at::Tensor& x, TileInput input);

// The reverse fills y, cut off at 0 if `relu`.
void from_planes(const at::Tensor& planes, TileOutput output, bool relu, const at::Tensor& y);

// Tiles of images for a convolution of this dilation with products of `dtype`.
std::int64_t image_tiles(const at::Tensor& x, at::ScalarType dtype, int dilation);

// Those of them whose outputs have a pixel in `mask`, bool [N, H, W].
std::vector<std::int64_t> tiles_in(const at::Tensor& mask, at::ScalarType dtype, int dilation);

// The tiles of `range`, at most as many as the planes have.
void image_to_planes(const at::Tensor& x, int dilation, TileRange range, const at::Tensor& planes);

// The reverse.
void planes_to_image(const at::Tensor& planes, int dilation, TileRange range, TileFinish finish,
                     const at::Tensor& y);

}  // namespace cdfss
