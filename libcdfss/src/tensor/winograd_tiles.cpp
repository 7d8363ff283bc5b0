#include "tensor/winograd_tiles.h"

#include <algorithm>
#include <type_traits>

#include "tensor/cpu_features.h"
#include "tensor/cpu_versions.h"
#include "tensor/parallel.h"
#include "tensor/winograd_maps.h"
#include "tensor/winograd_tiling.h"

namespace cdfss {
namespace {

// out[o * step_out] = sum over i of kMap[o][i] in[i * step_in]
template <auto kMap, int Out, int In>
CDFSS_INLINE void combine(const Lanes* in, int step_in, Lanes* out, int step_out) {
#pragma GCC unroll 6
  for (int o = 0; o < Out; ++o) {
    Lanes sum{};
    bool empty = true;  // adding to 0 is not free: -0 would become 0
#pragma GCC unroll 6
    for (int i = 0; i < In; ++i) {
      if (kMap.at[o][i] == 0) continue;
      const Lanes term = kMap.at[o][i] * in[i * step_in];
      sum = empty ? term : sum + term;
      empty = false;
    }
    out[o * step_out] = sum;
  }
}

// out [Out, Out] = map in [In, In] map^T
template <auto kMap, int Out, int In>
CDFSS_INLINE void sandwich(const Lanes* in, Lanes* out) {
  Lanes half[Out * In];
#pragma GCC unroll 6
  for (int i = 0; i < In; ++i) combine<kMap, Out, In>(in + i, In, half + i, In);
#pragma GCC unroll 6
  for (int o = 0; o < Out; ++o) combine<kMap, Out, In>(half + o * In, 1, out + o * Out, 1);
}

struct Range {
  std::int64_t begin, end;
};

// How values are rounded to bfloat16.
enum class Rounding { kBySteps, kByInstruction };

template <Rounding kRounding, typename T>
CDFSS_INLINE void round_to(const Lanes& from, T* to) {
#if defined(__x86_64__)
  if constexpr (kRounding == Rounding::kByInstruction && !std::is_same_v<T, float>) {
    return store_by_instruction(from, to);
  }
#endif
  store(from, to);
}

// A tile reads In x In pixels from `border` before its own.
template <Rounding kRounding, auto kMap, int Out, int In, typename T, typename U>
CDFSS_INLINE void tiles_in(const Tiling& tiling, const PlaneLayout& layout, std::int64_t border,
                           const T* images, const T* mask, U* planes, Range range) {
  const auto [count, height, width, channels, dilation] = tiling.images;
  for (std::int64_t index = range.begin; index < range.end; ++index) {
    const TileStart start(tiling, layout.range.tile(index));
    U* tile = planes + layout.begin_of(index);
    for (std::int64_t c = 0; c < channels; c += kLanes) {
      Lanes pixels[In * In];
      for (int i = 0; i < In; ++i) {
        const std::int64_t y = start.top + (i - border) * dilation;
        for (int j = 0; j < In; ++j) {
          const std::int64_t x = start.left + (j - border) * dilation;
          Lanes& pixel = pixels[i * In + j];
          pixel = Lanes{};
          if (y < 0 || y >= height || x < 0 || x >= width) continue;
          const std::int64_t from = ((start.image * height + y) * width + x) * channels + c;
          load(images + from, pixel);
          if (mask == nullptr) continue;
          Lanes sign;
          load(mask + from, sign);
          pixel = sign > 0 ? pixel : Lanes{};
        }
      }
      Lanes transformed[Out * Out];
      sandwich<kMap, Out, In>(pixels, transformed);
#pragma GCC unroll 36
      for (int i = 0; i < Out * Out; ++i) {
        round_to<kRounding>(transformed[i], tile + i * layout.plane_step + c);
      }
    }
  }
}

// A tile makes Out x Out pixels.
template <Rounding kRounding, auto kMap, int Out, int In, typename T, typename U>
CDFSS_INLINE void tiles_out(const Tiling& tiling, const PlaneLayout& layout, const U* planes,
                            TileFinish finish, T* images, Range range) {
  const auto [count, height, width, channels, dilation] = tiling.images;
  for (std::int64_t index = range.begin; index < range.end; ++index) {
    const TileStart start(tiling, layout.range.tile(index));
    const U* tile = planes + layout.begin_of(index);
    for (std::int64_t c = 0; c < channels; c += kLanes) {
      Lanes transformed[In * In];
#pragma GCC unroll 36
      for (int i = 0; i < In * In; ++i) load(tile + i * layout.plane_step + c, transformed[i]);
      Lanes pixels[Out * Out];
      sandwich<kMap, Out, In>(transformed, pixels);
      Lanes bias{};
      if (finish.bias != nullptr) load(finish.bias + c, bias);
      for (int i = 0; i < Out; ++i) {
        const std::int64_t y = start.top + i * dilation;
        for (int j = 0; j < Out; ++j) {
          const std::int64_t x = start.left + j * dilation;
          if (y >= height || x >= width) continue;
          Lanes pixel = pixels[i * Out + j] + bias;
          if (finish.relu) pixel = pixel < 0 ? Lanes{} : pixel;  // NaN stays
          round_to<kRounding>(pixel,
                              images + ((start.image * height + y) * width + x) * channels + c);
        }
      }
    }
  }
}

template <WinogradTile kTile, Rounding kRounding, typename T, typename U>
CDFSS_INLINE void to_tiles_of(TileInput input, const Tiling& tiling, const PlaneLayout& layout,
                              const T* images, const T* mask, U* planes, Range range) {
  constexpr int kSide = tile_side(kTile), kWide = kSide + 2;
  using M = Maps<kTile>;
  switch (input) {
    case TileInput::kImage:
      return tiles_in<kRounding, M::kImage, kWide, kWide>(tiling, layout, 1, images, mask, planes,
                                                          range);
    case TileInput::kGradient:
      return tiles_in<kRounding, transposed(M::kOutput), kWide, kSide>(tiling, layout, 0, images,
                                                                       mask, planes, range);
    case TileInput::kKernel:
      return tiles_in<kRounding, M::kKernel, kWide, 3>(tiling, layout, 0, images, mask, planes,
                                                       range);
    case TileInput::kRotatedKernel:
      return tiles_in<kRounding, reversed(M::kKernel), kWide, 3>(tiling, layout, 0, images, mask,
                                                                 planes, range);
  }
}

template <WinogradTile kTile, Rounding kRounding, typename T, typename U>
CDFSS_INLINE void from_tiles_of(TileOutput output, const Tiling& tiling, const PlaneLayout& layout,
                                const U* planes, TileFinish finish, T* images, Range range) {
  constexpr int kSide = tile_side(kTile), kWide = kSide + 2;
  using M = Maps<kTile>;
  if (output == TileOutput::kImage) {
    tiles_out<kRounding, M::kOutput, kSide, kWide>(tiling, layout, planes, finish, images, range);
  } else {
    tiles_out<kRounding, transposed(M::kKernel), 3, kWide>(tiling, layout, planes, finish, images,
                                                           range);
  }
}

template <WinogradTile kTile, Rounding kRounding>
struct ToTiles {
  CDFSS_INLINE void operator()(const auto&... arguments) const {
    to_tiles_of<kTile, kRounding>(arguments...);
  }
};
template <WinogradTile kTile, Rounding kRounding>
struct FromTiles {
  CDFSS_INLINE void operator()(const auto&... arguments) const {
    from_tiles_of<kTile, kRounding>(arguments...);
  }
};

template <template <WinogradTile, Rounding> typename Function, WinogradTile kTile>
void run_on_this_cpu(const auto&... arguments) {
#if defined(__x86_64__)
  if (cpu_multiplies_bf16()) {
    return with_avx512<Function<kTile, Rounding::kByInstruction>{}>(arguments...);
  }
#endif
  on_this_cpu<Function<kTile, Rounding::kBySteps>{}>(arguments...);
}

template <template <WinogradTile, Rounding> typename Function>
void dispatch(WinogradTile tile, const auto&... arguments) {
  if (tile == WinogradTile::k4x4) {
    run_on_this_cpu<Function, WinogradTile::k4x4>(arguments...);
  } else {
    run_on_this_cpu<Function, WinogradTile::k2x2>(arguments...);
  }
}

// Values of planes a task, at least: enough to be worth a thread's while.
constexpr std::int64_t kTaskValues = 1 << 16;

template <typename Function>
void for_tiles(TileRange range, WinogradTile tile, std::int64_t channels,
               const Function& function) {
  const std::int64_t values = std::max<std::int64_t>(1, channels * tile_planes(tile));
  at::parallel_for(range.first, range.first + range.count,
                   std::max<std::int64_t>(1, kTaskValues / values),
                   [&](std::int64_t begin, std::int64_t end) { function(Range{begin, end}); });
}

}  // namespace

std::int64_t tile_count(const TiledImages& images, WinogradTile tile) {
  return Tiling(images, tile_side(tile)).tiles();
}

template <typename T, typename U>
void to_tiles(WinogradTile tile, TileOrder order, TileInput input, const TiledImages& shape,
              TileRange range, const T* images, const T* mask, U* planes) {
  const bool kernel = input == TileInput::kKernel || input == TileInput::kRotatedKernel;
  const Tiling tiling(shape, kernel ? 3 : tile_side(tile));
  const PlaneLayout layout(range, tile, order, shape.channels);
  for_tiles(range, tile, shape.channels, [&](Range part) {
    dispatch<ToTiles>(tile, input, tiling, layout, images, mask, planes, part);
  });
}

template <typename T, typename U>
void from_tiles(WinogradTile tile, TileOrder order, TileOutput output, const TiledImages& shape,
                TileRange range, const U* planes, TileFinish finish, T* images) {
  const Tiling tiling(shape, output == TileOutput::kKernel ? 3 : tile_side(tile));
  const PlaneLayout layout(range, tile, order, shape.channels);
  for_tiles(range, tile, shape.channels, [&](Range part) {
    dispatch<FromTiles>(tile, output, tiling, layout, planes, finish, images, part);
  });
}

#define CDFSS_INSTANTIATE(T, U)                                                                \
  template void to_tiles(WinogradTile, TileOrder, TileInput, const TiledImages&, TileRange,    \
                         const T*, const T*, U*);                                              \
  template void from_tiles(WinogradTile, TileOrder, TileOutput, const TiledImages&, TileRange, \
                           const U*, TileFinish, T*);
CDFSS_INSTANTIATE(float, float)
CDFSS_INSTANTIATE(float, c10::BFloat16)
CDFSS_INSTANTIATE(c10::BFloat16, c10::BFloat16)
#undef CDFSS_INSTANTIATE

}  // namespace cdfss
