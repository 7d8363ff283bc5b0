// Which pixels the tiles of Winograd's filtering (winograd_tiles.h) cover.
#pragma once

#include "tensor/winograd_tiles.h"

namespace cdfss {

inline std::int64_t parts(std::int64_t length, std::int64_t part) {
  return (length + part - 1) / part;
}

struct Tiling {
  TiledImages images;
  std::int64_t step;           // pixels, `dilation` apart, from a tile to the next
  std::int64_t rows, columns;  // of tiles in an image of every d-th pixel

  Tiling(const TiledImages& shape, std::int64_t tile_step)
      : images(shape),
        step(tile_step),
        rows(parts(parts(shape.height, shape.dilation), step)),
        columns(parts(parts(shape.width, shape.dilation), step)) {}

  std::int64_t tiles() const {
    return images.count * images.dilation * images.dilation * rows * columns;
  }
};

// The first pixel of a tile's step x step.
struct TileStart {
  std::int64_t image, top, left;

  TileStart(const Tiling& tiling, std::int64_t tile) {
    const std::int64_t dilation = tiling.images.dilation;
    const std::int64_t row = tile / tiling.columns, phase = row / tiling.rows;
    image = phase / (dilation * dilation);
    top = phase / dilation % dilation + row % tiling.rows * tiling.step * dilation;
    left = phase % dilation + tile % tiling.columns * tiling.step * dilation;
  }
};

}  // namespace cdfss
