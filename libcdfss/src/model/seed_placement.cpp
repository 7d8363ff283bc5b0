// Seeds are spread by repeating one step: take the object cell farthest from any non-object cell,
// then make it a non-object cell. Distances stay squared integers, so they are exact and compare as
// the released code's square roots do.
#include "model/seed_placement.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "cdfss/error.h"

namespace cdfss {
namespace {

constexpr int64_t kCellsPerSeed = 100;
constexpr int64_t kFar = std::numeric_limits<int32_t>::max();  // above any distance on a grid

// Object cells of the feature grid, cut to their bounding box.
struct Crop {
  int64_t top = 0, left = 0, height = 0, width = 0;
  std::vector<uint8_t> object;  // [height * width], row-major

  bool at(int64_t row, int64_t column) const { return object[row * width + column] != 0; }
};

// The mask's pixel that each of the grid's cells stands for, along one axis.
std::vector<int64_t> sampled_pixels(int64_t length, SeedMode mode) {
  const int64_t cells = (length - 1) / 8 + 1;
  std::vector<int64_t> pixels(cells);
  // cv::resize's nearest neighbour: it multiplies by the inverse of the rounded scale.
  const double step = 1.0 / (static_cast<double>(cells) / static_cast<double>(length));
  for (int64_t i = 0; i < cells; ++i) {
    pixels[i] =
        mode == SeedMode::kFixed
            ? 8 * i
            : std::min(static_cast<int64_t>(std::floor(static_cast<double>(i) * step)), length - 1);
  }
  return pixels;
}

Crop crop_object(const at::Tensor& mask, SeedMode mode) {
  if (mask.dim() != 2 || mask.scalar_type() != at::kByte || !mask.device().is_cpu() ||
      mask.numel() == 0) {
    throw Error(ErrorCode::kInvalidValue,
                "place_seeds: expected a mask uint8 [H, W] on the CPU, got " + mask.toString() +
                    " of " + std::to_string(mask.dim()) + " dimensions and " +
                    std::to_string(mask.numel()) + " pixels");
  }
  const auto pixel = mask.accessor<uint8_t, 2>();
  const auto rows = sampled_pixels(mask.size(0), mode);
  const auto columns = sampled_pixels(mask.size(1), mode);
  int64_t top = kFar, left = kFar, bottom = -1, right = -1;
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t j = 0; j < columns.size(); ++j) {
      if (pixel[rows[i]][columns[j]] != 1) continue;
      top = std::min<int64_t>(top, i);
      bottom = std::max<int64_t>(bottom, i);
      left = std::min<int64_t>(left, j);
      right = std::max<int64_t>(right, j);
    }
  }
  Crop crop;
  if (bottom < 0) return crop;
  crop.top = top;
  crop.left = left;
  crop.height = bottom - top + 1;
  crop.width = right - left + 1;
  crop.object.reserve(crop.height * crop.width);
  for (int64_t i = top; i <= bottom; ++i) {
    for (int64_t j = left; j <= right; ++j) {
      crop.object.push_back(pixel[rows[i]][columns[j]] == 1);
    }
  }
  return crop;
}

// Half to even, as Python's round().
int64_t seed_count(int64_t area) {
  int64_t seeds = area / kCellsPerSeed;
  const int64_t twice_rest = 2 * (area % kCellsPerSeed);
  if (twice_rest > kCellsPerSeed || (twice_rest == kCellsPerSeed && seeds % 2 == 1)) ++seeds;
  return std::min<int64_t>(seeds, kMaxSeeds);
}

// Distance of each cell to the nearest non-object cell of its column; kFar without one. With
// `closed`, the cells around the crop are non-object.
std::vector<int64_t> column_distances(const Crop& crop, bool closed) {
  std::vector<int64_t> distance(crop.object.size());
  for (int64_t j = 0; j < crop.width; ++j) {
    const auto sweep = [&](int64_t from, int64_t to, int64_t step) {
      int64_t run = closed ? 0 : kFar;
      for (int64_t i = from; i != to; i += step) {
        run = crop.at(i, j) ? std::min(run + 1, kFar) : 0;
        auto& cell = distance[i * crop.width + j];
        cell = step > 0 ? run : std::min(cell, run);
      }
    };
    sweep(0, crop.height, 1);
    sweep(crop.height - 1, -1, -1);
  }
  return distance;
}

// Squared Euclidean distance of each cell to the nearest non-object cell.
std::vector<int64_t> squared_distances(const Crop& crop, bool closed) {
  const auto vertical = column_distances(crop, closed);
  std::vector<int64_t> squared(crop.object.size());
  for (int64_t i = 0; i < crop.height; ++i) {
    for (int64_t j = 0; j < crop.width; ++j) {
      int64_t best = closed ? std::min(j + 1, crop.width - j) : kFar;
      best = std::min(best * best, kFar * kFar);
      for (int64_t step = 0; step < crop.width && step * step < best; ++step) {
        for (const int64_t column : {j - step, j + step}) {
          if (column < 0 || column >= crop.width) continue;
          const int64_t rows = vertical[i * crop.width + column];
          best = std::min(best, rows * rows + step * step);
        }
      }
      squared[i * crop.width + j] = best;
    }
  }
  return squared;
}

// What the released code's distance transform gives for a crop without any non-object cell: the
// squared distance to a cell at (-1, 0).
std::vector<int64_t> released_distances_of_full(const Crop& crop) {
  std::vector<int64_t> squared;
  squared.reserve(crop.object.size());
  for (int64_t i = 0; i < crop.height; ++i) {
    for (int64_t j = 0; j < crop.width; ++j) squared.push_back((i + 1) * (i + 1) + j * j);
  }
  return squared;
}

}  // namespace

at::Tensor place_seeds(const at::Tensor& mask, SeedMode mode) {
  Crop crop = crop_object(mask, mode);
  const bool faithful = mode == SeedMode::kFaithful;
  const int64_t area = std::count(crop.object.begin(), crop.object.end(), 1);
  int64_t count = seed_count(area);
  auto seeds = at::zeros({faithful ? kMaxSeeds : count, 2}, at::kLong);
  if (faithful && count < 2) count = 0;  // the released code places no single seed
  auto seed = seeds.accessor<int64_t, 2>();
  for (int64_t n = 0; n < count; ++n) {
    const bool full = n == 0 && area == static_cast<int64_t>(crop.object.size());
    const auto distance = faithful && full ? released_distances_of_full(crop)
                                           : squared_distances(crop, /*closed=*/!faithful);
    const int64_t farthest = std::max_element(distance.begin(), distance.end()) - distance.begin();
    seed[n][0] = crop.top + farthest / crop.width;
    seed[n][1] = crop.left + farthest % crop.width;
    crop.object[farthest] = 0;
  }
  return seeds;
}

at::Tensor released_seed_rows(const at::Tensor& seeds) {
  if (seeds.dim() != 2 || seeds.size(1) != 2) {
    throw Error(ErrorCode::kInvalidValue, "released_seed_rows: expected seeds [n, 2]");
  }
  const auto counted = at::count_nonzero(seeds, at::IntArrayRef{0}).max().item<int64_t>();
  return seeds.narrow(0, 0, counted);
}

}  // namespace cdfss
