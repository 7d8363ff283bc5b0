#include "tensor/winograd_planes.h"

#include <ATen/ATen.h>

#include "tensor/winograd_tiling.h"

namespace cdfss {
namespace {

TiledImages shape_of(const at::Tensor& x, int dilation = 1) {
  return {x.size(0), x.size(2), x.size(3), x.size(1), dilation};
}

// Calls function(image value, plane value) with values of these types.
template <typename Function>
void with_types(at::ScalarType images, at::ScalarType planes, const Function& function) {
  if (planes == at::kFloat) {
    function(float{}, float{});
  } else if (images == at::kFloat) {
    function(float{}, c10::BFloat16{});
  } else {
    function(c10::BFloat16{}, c10::BFloat16{});
  }
}

}  // namespace

WinogradTile winograd_tile(at::ScalarType dtype) {
  return dtype == at::kFloat ? WinogradTile::k4x4 : WinogradTile::k2x2;
}

at::Tensor to_planes(const at::Tensor& x, TileInput input, at::ScalarType dtype,
                     const at::Tensor& mask) {
  const WinogradTile tile = winograd_tile(dtype);
  const TiledImages shape = shape_of(x);
  const bool kernel = input == TileInput::kKernel || input == TileInput::kRotatedKernel;
  const TileRange all{0, kernel ? shape.count : tile_count(shape, tile)};
  const at::Tensor planes =
      at::empty({tile_planes(tile), all.count, shape.channels},
                x.options().dtype(dtype).memory_format(at::MemoryFormat::Contiguous));
  with_types(x.scalar_type(), dtype, [&]<typename T, typename U>(T, U) {
    to_tiles(tile, TileOrder::kPlanesFirst, input, shape, all, x.const_data_ptr<T>(),
             mask.defined() ? mask.const_data_ptr<T>() : nullptr, planes.mutable_data_ptr<U>());
  });
  return planes;
}

void from_planes(const at::Tensor& planes, TileOutput output, bool relu, const at::Tensor& y) {
  with_types(y.scalar_type(), planes.scalar_type(), [&]<typename T, typename U>(T, U) {
    from_tiles(winograd_tile(planes.scalar_type()), TileOrder::kPlanesFirst, output, shape_of(y),
               {0, planes.size(1)}, planes.const_data_ptr<U>(), {.relu = relu},
               y.mutable_data_ptr<T>());
  });
}

std::int64_t image_tiles(const at::Tensor& x, at::ScalarType dtype, int dilation) {
  return tile_count(shape_of(x, dilation), winograd_tile(dtype));
}

std::vector<std::int64_t> tiles_in(const at::Tensor& mask, at::ScalarType dtype, int dilation) {
  const std::int64_t height = mask.size(1), width = mask.size(2);
  const int side = tile_side(winograd_tile(dtype));
  const Tiling tiling({mask.size(0), height, width, 1, dilation}, side);
  const bool* pixels = mask.const_data_ptr<bool>();
  const auto has_pixel = [&](const TileStart& start) {
    for (std::int64_t i = 0; i < side; ++i) {
      for (std::int64_t j = 0; j < side; ++j) {
        const std::int64_t y = start.top + i * dilation, x = start.left + j * dilation;
        if (y < height && x < width && pixels[(start.image * height + y) * width + x]) return true;
      }
    }
    return false;
  };
  std::vector<std::int64_t> tiles;
  for (std::int64_t tile = 0; tile < tiling.tiles(); ++tile) {
    if (has_pixel(TileStart(tiling, tile))) tiles.push_back(tile);
  }
  return tiles;
}

void image_to_planes(const at::Tensor& x, int dilation, TileRange range, const at::Tensor& planes) {
  with_types(x.scalar_type(), planes.scalar_type(), [&]<typename T, typename U>(T, U) {
    to_tiles(winograd_tile(planes.scalar_type()), TileOrder::kTilesFirst, TileInput::kImage,
             shape_of(x, dilation), range, x.const_data_ptr<T>(), static_cast<const T*>(nullptr),
             planes.mutable_data_ptr<U>());
  });
}

void planes_to_image(const at::Tensor& planes, int dilation, TileRange range, TileFinish finish,
                     const at::Tensor& y) {
  with_types(y.scalar_type(), planes.scalar_type(), [&]<typename T, typename U>(T, U) {
    from_tiles(winograd_tile(planes.scalar_type()), TileOrder::kTilesFirst, TileOutput::kImage,
               shape_of(y, dilation), range, planes.const_data_ptr<U>(), finish,
               y.mutable_data_ptr<T>());
  });
}

}  // namespace cdfss
