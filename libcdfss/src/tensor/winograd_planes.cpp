#include "tensor/winograd_planes.h"

#include <ATen/ATen.h>

#include "tensor/matrix_product.h"
#include "tensor/winograd_tiling.h"

namespace cdfss {
namespace {

static_assert(kPanelColumns == kTileChannels);  // so that the transform writes panels

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

PlaneSteps steps_of(const at::Tensor& planes) { return {planes.stride(1), planes.stride(0)}; }

// Of x, for products of `dtype`.
std::int64_t tiles_of(const at::Tensor& x, TileInput input, at::ScalarType dtype) {
  const bool kernel = input == TileInput::kKernel || input == TileInput::kRotatedKernel;
  return kernel ? x.size(0) : image_tiles(x, dtype, 1);
}

// A row a plane. Where the product allows it, a line of the cache lies behind each: else the same
// tile's values in all planes have places in the same few lines, and evict each other.
at::Tensor empty_rows(std::int64_t values, at::ScalarType dtype) {
  constexpr std::int64_t kLine = 16;  // values
  return at::empty({tile_planes(winograd_tile(dtype)), values + (keeps_panels(dtype) ? kLine : 0)},
                   dtype);
}

// All tiles of x.
void transform(const at::Tensor& x, TileInput input, const at::Tensor& mask, PlaneSteps steps,
               const at::Tensor& planes) {
  const TileRange all{0, tiles_of(x, input, planes.scalar_type())};
  with_types(x.scalar_type(), planes.scalar_type(), [&]<typename T, typename U>(T, U) {
    to_tiles(winograd_tile(planes.scalar_type()), steps, input, shape_of(x), all,
             x.const_data_ptr<T>(), mask.defined() ? mask.const_data_ptr<T>() : nullptr,
             planes.mutable_data_ptr<U>());
  });
}

}  // namespace

WinogradTile winograd_tile(at::ScalarType dtype) {
  return dtype == at::kFloat ? WinogradTile::k4x4 : WinogradTile::k2x2;
}

bool keeps_panels(at::ScalarType dtype) {
  return dtype == at::kFloat && multiplies_matrices_faster();
}

at::Tensor empty_planes(std::int64_t tiles, std::int64_t channels, at::ScalarType dtype) {
  return empty_rows(tiles * channels, dtype)
      .narrow(1, 0, tiles * channels)
      .unflatten(1, {tiles, channels});
}

at::Tensor to_planes(const at::Tensor& x, TileInput input, at::ScalarType dtype,
                     const at::Tensor& mask) {
  const at::Tensor planes = empty_planes(tiles_of(x, input, dtype), x.size(1), dtype);
  transform(x, input, mask, steps_of(planes), planes);
  return planes;
}

at::Tensor to_panels(const at::Tensor& x, TileInput input) {
  const std::int64_t tiles = tiles_of(x, input, at::kFloat);
  const at::Tensor rows = empty_rows(tiles * x.size(1), at::kFloat);
  transform(x, input, {},
            {.tile = kPanelColumns, .plane = rows.stride(0), .channels = tiles * kPanelColumns},
            rows);
  return rows;
}

void from_planes(const at::Tensor& planes, TileOutput output, bool relu, const at::Tensor& y) {
  with_types(y.scalar_type(), planes.scalar_type(), [&]<typename T, typename U>(T, U) {
    from_tiles(winograd_tile(planes.scalar_type()), steps_of(planes), output, shape_of(y),
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
    to_tiles(winograd_tile(planes.scalar_type()), steps_of(planes), TileInput::kImage,
             shape_of(x, dilation), range, x.const_data_ptr<T>(), static_cast<const T*>(nullptr),
             planes.mutable_data_ptr<U>());
  });
}

void planes_to_image(const at::Tensor& planes, int dilation, TileRange range, TileFinish finish,
                     const at::Tensor& y) {
  with_types(y.scalar_type(), planes.scalar_type(), [&]<typename T, typename U>(T, U) {
    from_tiles(winograd_tile(planes.scalar_type()), steps_of(planes), TileOutput::kImage,
               shape_of(y, dilation), range, planes.const_data_ptr<U>(), finish,
               y.mutable_data_ptr<T>());
  });
}

}  // namespace cdfss
