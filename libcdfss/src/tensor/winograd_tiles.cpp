#include "tensor/winograd_tiles.h"

#include <algorithm>
#include <type_traits>

#include "tensor/cpu_versions.h"
#include "tensor/parallel.h"
#include "tensor/winograd_maps.h"
#include "tensor/winograd_tiling.h"

namespace cdfss {
namespace {

template <typename Cpu>
using FloatsOf = typename LanesOf<Cpu::kLanes>::Floats;

// out[o * step_out] = sum over i of kMap[o][i] in[i]
template <auto kMap, int Out, int In, typename Floats>
CDFSS_INLINE void combine(const Floats* in, Floats* out, int step_out) {
#pragma GCC unroll 6
  for (int o = 0; o < Out; ++o) {
    Floats sum{};
    bool empty = true;  // adding to 0 is not free: -0 would become 0
#pragma GCC unroll 6
    for (int i = 0; i < In; ++i) {
      if (kMap.at[o][i] == 0) continue;
      const Floats term = kMap.at[o][i] * in[i];
      sum = empty ? term : sum + term;
      empty = false;
    }
    out[o * step_out] = sum;
  }
}

// map in [In, In] map^T for kTileChannels channels, which are several vectors on most CPUs. A row
// of `in` and a column of the result at a time, which fit into registers: read(i, v, row) fills row
// i of vector v, write(o, v, column) takes column o. All vectors of a row follow each other, since
// rows of a tile are so far apart in memory that they evict each other from the cache.
template <typename Cpu, auto kMap, int Out, int In>
CDFSS_INLINE void sandwich(const auto& read, const auto& write) {
  using Floats = FloatsOf<Cpu>;
  constexpr int kVectors = kTileChannels / Cpu::kLanes;
  Floats half[kVectors][Out * In];  // the rows transformed: column o begins at o * In
#pragma GCC unroll 6
  for (int i = 0; i < In; ++i) {
#pragma GCC unroll 1
    for (int v = 0; v < kVectors; ++v) {
      Floats row[In];
      read(i, v, row);
      combine<kMap, Out, In>(row, half[v] + i, In);
    }
  }
#pragma GCC unroll 6
  for (int o = 0; o < Out; ++o) {
#pragma GCC unroll 1
    for (int v = 0; v < kVectors; ++v) {
      Floats column[Out];
      combine<kMap, Out, In>(half[v] + o * In, column, 1);
      write(o, v, column);
    }
  }
}

// A task's part of the tiles.
struct Range {
  TileRange tiles;
  std::int64_t begin, end;
};

template <typename Cpu, typename T>
CDFSS_INLINE void round_to(const FloatsOf<Cpu>& from, T* to) {
#if defined(__x86_64__)
  if constexpr (Cpu::kRoundsToBf16 && !std::is_same_v<T, float>) {
    return store_by_instruction(from, to);
  }
#endif
  store(from, to);
}

// Where the pixels of a tile are among the images' values, Side x Side from `border` before its
// own; kOutside where there is none.
constexpr std::int64_t kOutside = -1;
template <int Side>
CDFSS_INLINE void places_of(const Tiling& tiling, std::int64_t tile, std::int64_t border,
                            std::int64_t* places) {
  const auto [count, height, width, channels, dilation] = tiling.images;
  const TileStart start(tiling, tile);
  for (int i = 0; i < Side; ++i) {
    const std::int64_t y = start.top + (i - border) * dilation;
    for (int j = 0; j < Side; ++j) {
      const std::int64_t x = start.left + (j - border) * dilation;
      const bool inside = y >= 0 && y < height && x >= 0 && x < width;
      places[i * Side + j] =
          inside ? ((start.image * height + y) * width + x) * channels : kOutside;
    }
  }
}

// Tiles whose places are found before the first of them is transformed.
constexpr std::int64_t kTilesTogether = 16;

// visit(tile, channel) for each of `tiles` and the first of each kTileChannels channels, in the
// order in which a plane has them: panels the tiles of some channels, others the channels of a
// tile.
CDFSS_INLINE void for_parts(std::int64_t tiles, std::int64_t channels, PlaneSteps steps,
                            const auto& visit) {
  if (steps.tile < steps.channels) {
    for (std::int64_t c = 0; c < channels; c += kTileChannels) {
      for (std::int64_t t = 0; t < tiles; ++t) visit(t, c);
    }
  } else {
    for (std::int64_t t = 0; t < tiles; ++t) {
      for (std::int64_t c = 0; c < channels; c += kTileChannels) visit(t, c);
    }
  }
}

// A tile reads In x In pixels from `border` before its own.
template <typename Cpu, auto kMap, int Out, int In, typename T, typename U>
CDFSS_INLINE void tiles_in(const Tiling& tiling, PlaneSteps steps, std::int64_t border,
                           const T* images, const T* mask, U* planes, Range range) {
  using Floats = FloatsOf<Cpu>;
  for (std::int64_t first = range.begin; first < range.end; first += kTilesTogether) {
    const std::int64_t count = std::min(kTilesTogether, range.end - first);
    std::int64_t places[kTilesTogether][In * In];
    for (std::int64_t t = 0; t < count; ++t) {
      places_of<In>(tiling, range.tiles.tile(first + t), border, places[t]);
    }
    const auto transform = [&](std::int64_t t, std::int64_t c) {
      U* const part = planes + (first + t - range.tiles.first) * steps.tile +
                      c / kTileChannels * steps.channels;
      const auto read = [&](int i, int v, Floats* row) {
        const std::int64_t channel = c + v * Cpu::kLanes;
#pragma GCC unroll 6
        for (int j = 0; j < In; ++j) {
          const std::int64_t place = places[t][i * In + j];
          row[j] = Floats{};
          if (place == kOutside) continue;
          load(images + place + channel, row[j]);
          if (mask == nullptr) continue;
          Floats sign;
          load(mask + place + channel, sign);
          row[j] = sign > 0 ? row[j] : Floats{};
        }
      };
      const auto write = [&](int o, int v, const Floats* column) {
        U* const to = part + v * Cpu::kLanes + o * steps.plane;
#pragma GCC unroll 6
        for (int i = 0; i < Out; ++i) round_to<Cpu>(column[i], to + i * Out * steps.plane);
      };
      sandwich<Cpu, kMap, Out, In>(read, write);
    };
    for_parts(count, tiling.images.channels, steps, transform);
  }
}

// A tile makes Out x Out pixels.
template <typename Cpu, auto kMap, int Out, int In, typename T, typename U>
CDFSS_INLINE void tiles_out(const Tiling& tiling, PlaneSteps steps, const U* planes,
                            TileFinish finish, T* images, Range range) {
  using Floats = FloatsOf<Cpu>;
  for (std::int64_t index = range.begin; index < range.end; ++index) {
    std::int64_t places[Out * Out];
    places_of<Out>(tiling, range.tiles.tile(index), 0, places);
    const U* tile = planes + (index - range.tiles.first) * steps.tile;
    for (std::int64_t c = 0; c < tiling.images.channels; c += kTileChannels) {
      const U* const part = tile + c / kTileChannels * steps.channels;
      const auto read = [&](int i, int v, Floats* row) {
        const U* const from = part + v * Cpu::kLanes;
#pragma GCC unroll 6
        for (int j = 0; j < In; ++j) load(from + (i * In + j) * steps.plane, row[j]);
      };
      const auto write = [&](int o, int v, const Floats* column) {
        const std::int64_t channel = c + v * Cpu::kLanes;
        Floats bias{};
        if (finish.bias != nullptr) load(finish.bias + channel, bias);
#pragma GCC unroll 6
        for (int i = 0; i < Out; ++i) {
          const std::int64_t place = places[i * Out + o];
          if (place == kOutside) continue;
          Floats pixel = column[i] + bias;
          if (finish.relu) pixel = pixel < 0 ? Floats{} : pixel;  // NaN stays
          round_to<Cpu>(pixel, images + place + channel);
        }
      };
      sandwich<Cpu, kMap, Out, In>(read, write);
    }
  }
}

template <WinogradTile kTile>
struct ToTiles {
  template <typename Cpu, typename T, typename U>
  CDFSS_INLINE void operator()(TileInput input, const Tiling& tiling, PlaneSteps steps,
                               const T* images, const T* mask, U* planes, Range range) const {
    constexpr int kSide = tile_side(kTile), kWide = kSide + 2;
    using M = Maps<kTile>;
    switch (input) {
      case TileInput::kImage:
        return tiles_in<Cpu, M::kImage, kWide, kWide>(tiling, steps, 1, images, mask, planes,
                                                      range);
      case TileInput::kGradient:
        return tiles_in<Cpu, transposed(M::kOutput), kWide, kSide>(tiling, steps, 0, images, mask,
                                                                   planes, range);
      case TileInput::kKernel:
        return tiles_in<Cpu, M::kKernel, kWide, 3>(tiling, steps, 0, images, mask, planes, range);
      case TileInput::kRotatedKernel:
        return tiles_in<Cpu, reversed(M::kKernel), kWide, 3>(tiling, steps, 0, images, mask, planes,
                                                             range);
    }
  }
};

template <WinogradTile kTile>
struct FromTiles {
  template <typename Cpu, typename T, typename U>
  CDFSS_INLINE void operator()(TileOutput output, const Tiling& tiling, PlaneSteps steps,
                               const U* planes, TileFinish finish, T* images, Range range) const {
    constexpr int kSide = tile_side(kTile), kWide = kSide + 2;
    using M = Maps<kTile>;
    if (output == TileOutput::kImage) {
      tiles_out<Cpu, M::kOutput, kSide, kWide>(tiling, steps, planes, finish, images, range);
    } else {
      tiles_out<Cpu, transposed(M::kKernel), 3, kWide>(tiling, steps, planes, finish, images,
                                                       range);
    }
  }
};

template <template <WinogradTile> typename Function>
void dispatch(WinogradTile tile, const auto&... arguments) {
  if (tile == WinogradTile::k4x4) {
    on_kind_of_cpu<Function<WinogradTile::k4x4>{}>(arguments...);
  } else {
    on_kind_of_cpu<Function<WinogradTile::k2x2>{}>(arguments...);
  }
}

// Values of planes a task, at least: enough to be worth a thread's while.
constexpr std::int64_t kTaskValues = 1 << 16;

template <typename Function>
void for_tiles(TileRange range, WinogradTile tile, std::int64_t channels,
               const Function& function) {
  const std::int64_t values = std::max<std::int64_t>(1, channels * tile_planes(tile));
  at::parallel_for(
      range.first, range.first + range.count, std::max<std::int64_t>(1, kTaskValues / values),
      [&](std::int64_t begin, std::int64_t end) { function(Range{range, begin, end}); });
}

}  // namespace

std::int64_t tile_count(const TiledImages& images, WinogradTile tile) {
  return Tiling(images, tile_side(tile)).tiles();
}

template <typename T, typename U>
void to_tiles(WinogradTile tile, PlaneSteps steps, TileInput input, const TiledImages& shape,
              TileRange range, const T* images, const T* mask, U* planes) {
  const bool kernel = input == TileInput::kKernel || input == TileInput::kRotatedKernel;
  const Tiling tiling(shape, kernel ? 3 : tile_side(tile));
  for_tiles(range, tile, shape.channels, [&](Range part) {
    dispatch<ToTiles>(tile, input, tiling, steps, images, mask, planes, part);
  });
}

template <typename T, typename U>
void from_tiles(WinogradTile tile, PlaneSteps steps, TileOutput output, const TiledImages& shape,
                TileRange range, const U* planes, TileFinish finish, T* images) {
  const Tiling tiling(shape, output == TileOutput::kKernel ? 3 : tile_side(tile));
  for_tiles(range, tile, shape.channels, [&](Range part) {
    dispatch<FromTiles>(tile, output, tiling, steps, planes, finish, images, part);
  });
}

#define CDFSS_INSTANTIATE(T, U)                                                                 \
  template void to_tiles(WinogradTile, PlaneSteps, TileInput, const TiledImages&, TileRange,    \
                         const T*, const T*, U*);                                               \
  template void from_tiles(WinogradTile, PlaneSteps, TileOutput, const TiledImages&, TileRange, \
                           const U*, TileFinish, T*);
CDFSS_INSTANTIATE(float, float)
CDFSS_INSTANTIATE(float, c10::BFloat16)
CDFSS_INSTANTIATE(c10::BFloat16, c10::BFloat16)
#undef CDFSS_INSTANTIATE

}  // namespace cdfss
