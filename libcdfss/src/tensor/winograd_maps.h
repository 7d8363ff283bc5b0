// The linear maps of Winograd's minimal filtering in one dimension (winograd_tiles.h): B^T, G and
// A^T of Lavin and Gray.
#pragma once

#include "tensor/winograd_tiles.h"

namespace cdfss {

template <int Out, int In>
struct Map {
  float at[Out][In];
};
template <int Out, int In>
constexpr Map<In, Out> transposed(const Map<Out, In>& map) {
  Map<In, Out> result{};
  for (int o = 0; o < Out; ++o) {
    for (int i = 0; i < In; ++i) result.at[i][o] = map.at[o][i];
  }
  return result;
}
// The map of the reversed input.
template <int Out, int In>
constexpr Map<Out, In> reversed(const Map<Out, In>& map) {
  Map<Out, In> result{};
  for (int o = 0; o < Out; ++o) {
    for (int i = 0; i < In; ++i) result.at[o][i] = map.at[o][In - 1 - i];
  }
  return result;
}

template <WinogradTile>
struct Maps;
// Interpolation at 0, 1, -1, 2, -2 and infinity.
template <>
struct Maps<WinogradTile::k4x4> {
  static constexpr Map<6, 6> kImage{{{4, 0, -5, 0, 1, 0},
                                     {0, -4, -4, 1, 1, 0},
                                     {0, 4, -4, -1, 1, 0},
                                     {0, -2, -1, 2, 1, 0},
                                     {0, 2, -1, -2, 1, 0},
                                     {0, 4, 0, -5, 0, 1}}};
  static constexpr Map<6, 3> kKernel{{{1 / 4.F, 0, 0},
                                      {-1 / 6.F, -1 / 6.F, -1 / 6.F},
                                      {-1 / 6.F, 1 / 6.F, -1 / 6.F},
                                      {1 / 24.F, 1 / 12.F, 1 / 6.F},
                                      {1 / 24.F, -1 / 12.F, 1 / 6.F},
                                      {0, 0, 1}}};
  static constexpr Map<4, 6> kOutput{
      {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}}};
};
// At 0, 1, -1 and infinity.
template <>
struct Maps<WinogradTile::k2x2> {
  static constexpr Map<4, 4> kImage{{{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}}};
  static constexpr Map<4, 3> kKernel{
      {{1, 0, 0}, {1 / 2.F, 1 / 2.F, 1 / 2.F}, {1 / 2.F, -1 / 2.F, 1 / 2.F}, {0, 0, 1}}};
  static constexpr Map<2, 4> kOutput{{{1, 1, 1, 0}, {0, 1, -1, -1}}};
};

}  // namespace cdfss
