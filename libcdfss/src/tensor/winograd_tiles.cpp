#include "tensor/winograd_tiles.h"

#include <ATen/Parallel.h>
#include <c10/util/BFloat16.h>

#include <algorithm>
#include <cstring>

#include "tensor/winograd_maps.h"

namespace cdfss {
namespace {

// Everything up to the range functions is inlined into code compiled for one kind of CPU.
#define CDFSS_INLINE inline __attribute__((always_inline))

using Vector = float __attribute__((vector_size(4 * kTileChannels)));
using Bits = std::uint32_t __attribute__((vector_size(4 * kTileChannels)));
using HalfBits = std::uint16_t __attribute__((vector_size(2 * kTileChannels)));

CDFSS_INLINE void load(const float* from, Vector& to) { std::memcpy(&to, from, sizeof(to)); }
CDFSS_INLINE void load(const c10::BFloat16* from, Vector& to) {
  HalfBits half;
  std::memcpy(&half, from, sizeof(half));
  const Bits bits = __builtin_convertvector(half, Bits) << 16;
  std::memcpy(&to, &bits, sizeof(to));
}
CDFSS_INLINE void store(const Vector& from, float* to) { std::memcpy(to, &from, sizeof(from)); }
CDFSS_INLINE void store(const Vector& from, c10::BFloat16* to) {
  Bits bits;
  std::memcpy(&bits, &from, sizeof(bits));
  bits += 0x7FFF + ((bits >> 16) & 1);  // to nearest, half to even
  const HalfBits half = __builtin_convertvector(bits >> 16, HalfBits);
  std::memcpy(to, &half, sizeof(half));
}

// out[o * step_out] = sum over i of kMap[o][i] in[i * step_in]
template <auto kMap, int Out, int In>
CDFSS_INLINE void combine(const Vector* in, int step_in, Vector* out, int step_out) {
#pragma GCC unroll 6
  for (int o = 0; o < Out; ++o) {
    Vector sum{};
#pragma GCC unroll 6
    for (int i = 0; i < In; ++i) {
      if (kMap.at[o][i] != 0) sum += kMap.at[o][i] * in[i * step_in];
    }
    out[o * step_out] = sum;
  }
}

// out [Out, Out] = map in [In, In] map^T
template <auto kMap, int Out, int In>
CDFSS_INLINE void sandwich(const Vector* in, Vector* out) {
  Vector half[Out * In];
#pragma GCC unroll 6
  for (int i = 0; i < In; ++i) combine<kMap, Out, In>(in + i, In, half + i, In);
#pragma GCC unroll 6
  for (int o = 0; o < Out; ++o) combine<kMap, Out, In>(half + o * In, 1, out + o * Out, 1);
}

struct Tiling {
  TiledImages images;
  std::int64_t rows, columns;  // of tiles in an image
  std::int64_t step;           // pixels from a tile to the next
  std::int64_t plane;          // values

  Tiling(const TiledImages& shape, std::int64_t tile_step)
      : images(shape),
        rows((shape.height + tile_step - 1) / tile_step),
        columns((shape.width + tile_step - 1) / tile_step),
        step(tile_step),
        plane(shape.count * rows * columns * shape.channels) {}
};

// Rows [begin, end) of tiles; a tile reads In x In pixels from `border` before it.
template <auto kMap, int Out, int In, typename T, typename U>
CDFSS_INLINE void rows_to_tiles(const Tiling& tiling, std::int64_t border, const T* images,
                                const T* mask, U* planes, std::int64_t begin, std::int64_t end) {
  const auto [count, height, width, channels] = tiling.images;
  for (std::int64_t row = begin; row < end; ++row) {
    const std::int64_t image = row / tiling.rows * height;
    const std::int64_t top = row % tiling.rows * tiling.step - border;
    for (std::int64_t column = 0; column < tiling.columns; ++column) {
      const std::int64_t left = column * tiling.step - border;
      U* tile = planes + (row * tiling.columns + column) * channels;
      for (std::int64_t c = 0; c < channels; c += kTileChannels) {
        Vector pixels[In * In];
        for (int y = 0; y < In; ++y) {
          for (int x = 0; x < In; ++x) {
            Vector& pixel = pixels[y * In + x];
            pixel = Vector{};
            if (top + y < 0 || top + y >= height || left + x < 0 || left + x >= width) continue;
            const std::int64_t from = ((image + top + y) * width + left + x) * channels + c;
            load(images + from, pixel);
            if (mask == nullptr) continue;
            Vector sign;
            load(mask + from, sign);
            pixel = sign > 0 ? pixel : Vector{};
          }
        }
        Vector transformed[Out * Out];
        sandwich<kMap, Out, In>(pixels, transformed);
#pragma GCC unroll 36
        for (int i = 0; i < Out * Out; ++i) store(transformed[i], tile + i * tiling.plane + c);
      }
    }
  }
}

// Rows [begin, end) of tiles; a tile makes Out x Out pixels.
template <auto kMap, int Out, int In, typename T, typename U>
CDFSS_INLINE void rows_from_tiles(const Tiling& tiling, const U* planes, bool relu, T* images,
                                  std::int64_t begin, std::int64_t end) {
  const auto [count, height, width, channels] = tiling.images;
  for (std::int64_t row = begin; row < end; ++row) {
    const std::int64_t image = row / tiling.rows * height;
    const std::int64_t top = row % tiling.rows * tiling.step;
    for (std::int64_t column = 0; column < tiling.columns; ++column) {
      const std::int64_t left = column * tiling.step;
      const U* tile = planes + (row * tiling.columns + column) * channels;
      for (std::int64_t c = 0; c < channels; c += kTileChannels) {
        Vector transformed[In * In];
#pragma GCC unroll 36
        for (int i = 0; i < In * In; ++i) load(tile + i * tiling.plane + c, transformed[i]);
        Vector pixels[Out * Out];
        sandwich<kMap, Out, In>(transformed, pixels);
        for (int y = 0; y < std::min<std::int64_t>(Out, height - top); ++y) {
          for (int x = 0; x < std::min<std::int64_t>(Out, width - left); ++x) {
            Vector pixel = pixels[y * Out + x];
            if (relu) pixel = pixel < 0 ? Vector{} : pixel;  // NaN stays
            store(pixel, images + ((image + top + y) * width + left + x) * channels + c);
          }
        }
      }
    }
  }
}

template <WinogradTile kTile, typename T, typename U>
CDFSS_INLINE void to_tiles_of(TileInput input, const Tiling& tiling, const T* images, const T* mask,
                              U* planes, std::int64_t begin, std::int64_t end) {
  constexpr int kSide = tile_side(kTile), kWide = kSide + 2;
  using M = Maps<kTile>;
  switch (input) {
    case TileInput::kImage:
      return rows_to_tiles<M::kImage, kWide, kWide>(tiling, 1, images, mask, planes, begin, end);
    case TileInput::kGradient:
      return rows_to_tiles<transposed(M::kOutput), kWide, kSide>(tiling, 0, images, mask, planes,
                                                                 begin, end);
    case TileInput::kKernel:
      return rows_to_tiles<M::kKernel, kWide, 3>(tiling, 0, images, mask, planes, begin, end);
    case TileInput::kRotatedKernel:
      return rows_to_tiles<reversed(M::kKernel), kWide, 3>(tiling, 0, images, mask, planes, begin,
                                                           end);
  }
}

template <WinogradTile kTile, typename T, typename U>
CDFSS_INLINE void from_tiles_of(TileOutput output, const Tiling& tiling, const U* planes, bool relu,
                                T* images, std::int64_t begin, std::int64_t end) {
  constexpr int kSide = tile_side(kTile), kWide = kSide + 2;
  using M = Maps<kTile>;
  if (output == TileOutput::kImage) {
    rows_from_tiles<M::kOutput, kSide, kWide>(tiling, planes, relu, images, begin, end);
  } else {
    rows_from_tiles<transposed(M::kKernel), 3, kWide>(tiling, planes, relu, images, begin, end);
  }
}

// The same code for each kind of CPU.
#if defined(__x86_64__)
#define CDFSS_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"), flatten))
#define CDFSS_AVX2 __attribute__((target("avx2,fma"), flatten))

template <WinogradTile kTile, auto kFunction, typename... A>
CDFSS_AVX512 void with_avx512(A... arguments) {
  kFunction.template operator()<kTile>(arguments...);
}
template <WinogradTile kTile, auto kFunction, typename... A>
CDFSS_AVX2 void with_avx2(A... arguments) {
  kFunction.template operator()<kTile>(arguments...);
}
#endif

struct ToTiles {
  template <WinogradTile kTile>
  CDFSS_INLINE void operator()(auto... arguments) const {
    to_tiles_of<kTile>(arguments...);
  }
};
struct FromTiles {
  template <WinogradTile kTile>
  CDFSS_INLINE void operator()(auto... arguments) const {
    from_tiles_of<kTile>(arguments...);
  }
};

template <WinogradTile kTile, auto kFunction>
void dispatch(auto... arguments) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return with_avx512<kTile, kFunction>(arguments...);
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return with_avx2<kTile, kFunction>(arguments...);
  }
#endif
  kFunction.template operator()<kTile>(arguments...);
}

template <auto kFunction>
void dispatch(WinogradTile tile, auto... arguments) {
  tile == WinogradTile::k4x4 ? dispatch<WinogradTile::k4x4, kFunction>(arguments...)
                             : dispatch<WinogradTile::k2x2, kFunction>(arguments...);
}

// Values of planes a task, at least: enough to be worth a thread's while.
constexpr std::int64_t kTaskValues = 1 << 16;

template <typename Function>
void for_rows(const Tiling& tiling, WinogradTile tile, const Function& function) {
  const std::int64_t values = tiling.columns * tiling.images.channels * tile_planes(tile);
  at::parallel_for(0, tiling.images.count * tiling.rows,
                   std::max<std::int64_t>(1, kTaskValues / std::max<std::int64_t>(1, values)),
                   function);
}

}  // namespace

std::int64_t tile_count(const TiledImages& images, WinogradTile tile) {
  const Tiling tiling(images, tile_side(tile));
  return images.count * tiling.rows * tiling.columns;
}

template <typename T, typename U>
void to_tiles(WinogradTile tile, TileInput input, const TiledImages& shape, const T* images,
              const T* mask, U* planes) {
  const bool kernel = input == TileInput::kKernel || input == TileInput::kRotatedKernel;
  const Tiling tiling(shape, kernel ? 3 : tile_side(tile));
  for_rows(tiling, tile, [&](std::int64_t begin, std::int64_t end) {
    dispatch<ToTiles{}>(tile, input, tiling, images, mask, planes, begin, end);
  });
}

template <typename T, typename U>
void from_tiles(WinogradTile tile, TileOutput output, const TiledImages& shape, const U* planes,
                bool relu, T* images) {
  const Tiling tiling(shape, output == TileOutput::kKernel ? 3 : tile_side(tile));
  for_rows(tiling, tile, [&](std::int64_t begin, std::int64_t end) {
    dispatch<FromTiles{}>(tile, output, tiling, planes, relu, images, begin, end);
  });
}

#define CDFSS_INSTANTIATE(T, U)                                                                \
  template void to_tiles(WinogradTile, TileInput, const TiledImages&, const T*, const T*, U*); \
  template void from_tiles(WinogradTile, TileOutput, const TiledImages&, const U*, bool, T*);
CDFSS_INSTANTIATE(float, float)
CDFSS_INSTANTIATE(float, c10::BFloat16)
CDFSS_INSTANTIATE(c10::BFloat16, c10::BFloat16)
#undef CDFSS_INSTANTIATE

}  // namespace cdfss
