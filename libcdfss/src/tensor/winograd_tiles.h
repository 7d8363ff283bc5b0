// Winograd's minimal filtering for 3 x 3 convolutions of stride 1 (A. Lavin and S. Gray, "Fast
// Algorithms for Convolutional Neural Networks", CVPR 2016): a tile of m x m outputs costs
// (m + 2)^2 products instead of 9 m^2. These are the linear maps before and after the products.
#pragma once

#include <cstdint>

#include "tensor/lanes.h"

namespace cdfss {

// Output tiles of m x m pixels. The larger takes 2.25 products for each of the direct sum's 9, but
// makes rounding errors about ten times larger, which only float32 can afford; the smaller takes 4.
enum class WinogradTile { k4x4, k2x2 };

constexpr int tile_side(WinogradTile tile) { return tile == WinogradTile::k4x4 ? 4 : 2; }
// Planes of a transformed tile: (m + 2)^2.
constexpr int tile_planes(WinogradTile tile) {
  return (tile_side(tile) + 2) * (tile_side(tile) + 2);
}

// What a transform reads, in Lavin and Gray's letters.
enum class TileInput {
  kImage,          // B^T d B of the m + 2 pixels about each tile; 0 outside of the image
  kGradient,       // A d A^T of the tile's m pixels: the output transform's transpose
  kKernel,         // G g G^T; the "image" is one 3 x 3 kernel
  kRotatedKernel,  // the same of the kernel turned by 180 degrees
};

enum class TileOutput {
  kImage,   // A^T M A: the tile's m x m pixels
  kKernel,  // G^T M G: 3 x 3, the kernel's gradient
};

// Channels are handled so many at a time: every count must be a multiple.
constexpr std::int64_t kTileChannels = kLanes;

// Where the transformed values lie in memory: how many values from a tile, and from a plane, to the
// next, and from one kTileChannels channels, which are side by side, to the next.
struct PlaneSteps {
  std::int64_t tile, plane;
  std::int64_t channels = kTileChannels;
};

// Images [count, height, width, channels]. A convolution of dilation d sees each as d x d images of
// every d-th pixel; each of these is cut into ceil(height / d m) x ceil(width / d m) tiles. A
// kernel is an image of one tile.
struct TiledImages {
  std::int64_t count, height, width, channels;
  std::int64_t dilation = 1;
};

std::int64_t tile_count(const TiledImages& images, WinogradTile tile);

// The tiles that planes hold, of all those of the images: `count` from `first` on, or as listed.
struct TileRange {
  std::int64_t first, count;
  const std::int64_t* list = nullptr;  // if not null, first and count are places in it

  std::int64_t tile(std::int64_t place) const { return list == nullptr ? place : list[place]; }
};

// Images [count, height, width, channels] -> planes, the first tile of `range` first. Where `mask`,
// of the images' shape, is not null, pixels count as 0 unless it is above 0. T, U: float or
// c10::BFloat16; sums are float32. Runs on LibTorch's threads.
template <typename T, typename U>
void to_tiles(WinogradTile tile, PlaneSteps steps, TileInput input, const TiledImages& shape,
              TileRange range, const T* images, const T* mask, U* planes);

// What becomes of the pixels that the output transform makes.
struct TileFinish {
  const float* bias = nullptr;  // [channels], added if not null
  bool relu = false;            // cut off at 0
};

// The reverse: planes -> the pixels of their tiles.
template <typename T, typename U>
void from_tiles(WinogradTile tile, PlaneSteps steps, TileOutput output, const TiledImages& shape,
                TileRange range, const U* planes, TileFinish finish, T* images);

}  // namespace cdfss
