#include "model/seed_placement.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "cdfss/error.h"

namespace cdfss {
namespace {

using Cell = std::pair<int64_t, int64_t>;

std::vector<Cell> cells_of(const at::Tensor& seeds) {
  std::vector<Cell> cells;
  for (int64_t i = 0; i < seeds.size(0); ++i) {
    cells.emplace_back(seeds[i][0].item<int64_t>(), seeds[i][1].item<int64_t>());
  }
  return cells;
}

// A 473 x 473 mask whose object is cells [top, bottom) x [left, right) of fixed mode's grid.
at::Tensor rectangle(int64_t top, int64_t left, int64_t bottom, int64_t right) {
  auto mask = at::zeros({473, 473}, at::kByte);
  mask.slice(0, 8 * top, 8 * bottom).slice(1, 8 * left, 8 * right).fill_(1);
  return mask;
}

// The object on the 60 x 60 grid of fixed mode.
at::Tensor fixed_grid(const at::Tensor& mask) { return mask.slice(0, 0, {}, 8).slice(1, 0, {}, 8); }

TEST(SeedPlacement, CountRoundsHalfToEvenUpToFive) {
  // Rows x columns of the object in cells, and the seeds it gets.
  for (const auto& [rows, columns, expected] :
       std::vector<std::tuple<int, int, int>>{{1, 1, 0},
                                              {5, 10, 0},
                                              {3, 17, 1},
                                              {10, 15, 2},
                                              {10, 25, 2},
                                              {1, 59, 1},
                                              {7, 43, 3},
                                              {10, 35, 4},
                                              {10, 45, 4},
                                              {11, 41, 5},
                                              {30, 30, 5},
                                              {60, 60, 5}}) {
    const auto seeds = place_seeds(rectangle(0, 0, rows, columns));
    EXPECT_EQ(seeds.sizes(), (std::vector<int64_t>{expected, 2})) << rows << " x " << columns;
    EXPECT_EQ(seeds.scalar_type(), at::kLong);
  }
}

TEST(SeedPlacement, EmptyMask) {
  const auto empty = at::zeros({473, 473}, at::kByte);
  EXPECT_EQ(place_seeds(empty).sizes(), (std::vector<int64_t>{0, 2}));
  EXPECT_TRUE(at::equal(place_seeds(empty, SeedMode::kFaithful), at::zeros({5, 2}, at::kLong)));
  // Ignored pixels are not object.
  EXPECT_EQ(place_seeds(at::full({473, 473}, 255, at::kByte)).size(0), 0);
}

TEST(SeedPlacement, OneSeedIsTheInnermostCell) {
  // 9 x 11 cells from (20, 30): the distance to the border is 5 in row 24, columns 34 to 36.
  EXPECT_EQ(cells_of(place_seeds(rectangle(20, 30, 29, 41))), (std::vector<Cell>{{24, 34}}));
  // The released code places no single seed.
  EXPECT_TRUE(at::equal(place_seeds(rectangle(20, 30, 29, 41), SeedMode::kFaithful),
                        at::zeros({5, 2}, at::kLong)));
}

TEST(SeedPlacement, LaterSeedsKeepAwayFromEarlierOnesAndTheBorder) {
  // 15 x 15 cells from (10, 10). First the centre (17, 17), 8 from the border. Then the first of
  // the four cells at squared distance 18 from it, 5 from the border.
  const auto seeds = cells_of(place_seeds(rectangle(10, 10, 25, 25)));
  EXPECT_EQ(seeds, (std::vector<Cell>{{17, 17}, {14, 14}}));
}

TEST(SeedPlacement, FaithfulMeasuresAFullCropFromTheCellAboveItsOrigin) {
  // Cells (5, 5) to (24, 14), which sample pixels floor(473 / 60 * i), 39 to 189 and 39 to 110. D =
  // sqrt((r + 1)^2 + c^2) is largest at the bottom right, and the top left is farthest from there;
  // the border does not count.
  auto mask = at::zeros({473, 473}, at::kByte);
  mask.slice(0, 39, 190).slice(1, 39, 111).fill_(1);
  const auto seeds = place_seeds(mask, SeedMode::kFaithful);
  EXPECT_EQ(cells_of(seeds), (std::vector<Cell>{{24, 14}, {5, 5}, {0, 0}, {0, 0}, {0, 0}}));
}

TEST(SeedPlacement, FaithfulGridIsOpenCvsNearestNeighbour) {
  // 105 and 329: sampling positions on whole pixels, where rounding of the scale decides.
  for (const int side : {105, 241, 329, 473}) {
    const int grid_side = (side - 1) / 8 + 1;
    cv::Mat rows(side, 1, CV_32S);
    for (int i = 0; i < side; ++i) rows.at<int>(i) = i;
    cv::Mat sampled;
    cv::resize(rows, sampled, {1, grid_side}, 0, 0, cv::INTER_NEAREST);
    const std::set<int> seen(sampled.begin<int>(), sampled.end<int>());
    // An object without one row inside it fills its box, and so has its first seed at the right,
    // unless that row is seen: then a whole row of cells is equally far and the left one is first.
    for (int row = 1; row < *seen.rbegin(); ++row) {
      auto mask = at::zeros({side, side}, at::kByte);
      mask.slice(1, 0, 128).fill_(1);
      mask[row].fill_(0);
      const Cell first = cells_of(place_seeds(mask, SeedMode::kFaithful)).front();
      EXPECT_EQ(first.second == 0, seen.contains(row)) << "side " << side << ", row " << row;
    }
  }
}

// Straight from the definition: at each step the first cell with the largest distance to any cell
// that is not object, the surroundings of the grid included.
std::vector<Cell> brute_force(at::Tensor grid, int64_t count) {
  grid = at::constant_pad_nd(grid, {1, 1, 1, 1}, 0).contiguous();
  const auto object = grid.accessor<uint8_t, 2>();
  std::vector<Cell> seeds;
  for (int64_t n = 0; n < count; ++n) {
    int64_t farthest = -1;
    Cell seed;
    for (int64_t i = 0; i < grid.size(0); ++i) {
      for (int64_t j = 0; j < grid.size(1); ++j) {
        int64_t nearest = 1 << 30;
        for (int64_t y = 0; y < grid.size(0); ++y) {
          for (int64_t x = 0; x < grid.size(1); ++x) {
            if (object[y][x] == 0) {
              nearest = std::min(nearest, (i - y) * (i - y) + (j - x) * (j - x));
            }
          }
        }
        if (nearest > farthest) {
          farthest = nearest;
          seed = {i - 1, j - 1};
        }
      }
    }
    seeds.push_back(seed);
    grid[seed.first + 1][seed.second + 1] = 0;
  }
  return seeds;
}

TEST(SeedPlacement, FixedSeedsAreTheDefinitionsOnAnyShape) {
  at::manual_seed(1);
  for (int trial = 0; trial < 5; ++trial) {
    // A 161 x 241 mask of overlapping blobs; the grid is 21 x 31.
    auto mask = at::zeros({161, 241}, at::kByte);
    for (int blob = 0; blob < 4; ++blob) {
      const int64_t y = at::randint(0, 120, {1}).item<int64_t>();
      const int64_t x = at::randint(0, 200, {1}).item<int64_t>();
      mask.slice(0, y, y + 30 + 10 * blob).slice(1, x, x + 90 - 10 * blob).fill_(1);
    }
    const auto seeds = place_seeds(mask);
    const auto grid = fixed_grid(mask);
    ASSERT_GE(seeds.size(0), 1);
    EXPECT_EQ(cells_of(seeds), brute_force(grid.clone(), seeds.size(0))) << "trial " << trial;
    std::set<Cell> distinct;
    for (const auto& [row, column] : cells_of(seeds)) {
      EXPECT_EQ(grid[row][column].item<int>(), 1) << "outside the object";
      distinct.emplace(row, column);
    }
    EXPECT_EQ(static_cast<int64_t>(distinct.size()), seeds.size(0));
  }
}

TEST(SeedPlacement, ThinObjectsKeepTheirSeedsInside) {
  // A diagonal line five cells wide in a row: 59 rows.
  auto mask = at::zeros({473, 473}, at::kByte);
  for (int64_t i = 0; i < 55; ++i)
    mask.slice(0, 8 * i, 8 * i + 8).slice(1, 8 * i, 8 * i + 40).fill_(1);
  const auto seeds = cells_of(place_seeds(mask));
  ASSERT_EQ(seeds.size(), 3u);
  for (const auto& [row, column] : seeds) {
    EXPECT_EQ(mask[8 * row][8 * column].item<int>(), 1) << row << ", " << column;
  }
}

TEST(SeedPlacement, ReadsMasksThatAreNotContiguous) {
  const auto mask = rectangle(5, 9, 30, 25);
  const auto transposed = mask.t().contiguous().t();
  ASSERT_FALSE(transposed.is_contiguous());
  EXPECT_TRUE(at::equal(place_seeds(mask), place_seeds(transposed)));
}

TEST(SeedPlacement, RefusesOtherTensors) {
  EXPECT_THROW(place_seeds(at::zeros({473, 473})), Error);
  EXPECT_THROW(place_seeds(at::zeros({1, 473, 473}, at::kByte)), Error);
  EXPECT_THROW(place_seeds(at::zeros({0, 473}, at::kByte)), Error);
}

TEST(ReleasedSeedRows, CountsRowsAndColumnsThatAreNotZero) {
  const auto rows = [](std::vector<int64_t> values) {
    return released_seed_rows(at::tensor(values, at::kLong).reshape({5, 2})).size(0);
  };
  EXPECT_EQ(rows({0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), 0);
  EXPECT_EQ(rows({3, 4, 5, 6, 0, 0, 0, 0, 0, 0}), 2);
  EXPECT_EQ(rows({0, 4, 0, 6, 0, 1, 0, 0, 0, 0}), 3);
  EXPECT_EQ(rows({1, 2, 3, 4, 5, 6, 7, 8, 9, 9}), 5);
  // A true seed at (0, 0) in the middle costs the last row.
  EXPECT_EQ(rows({1, 2, 0, 0, 5, 6, 0, 0, 0, 0}), 2);
  EXPECT_TRUE(
      at::equal(released_seed_rows(at::tensor({1, 2, 0, 0, 5, 6}, at::kLong).reshape({3, 2})),
                at::tensor({1, 2, 0, 0}, at::kLong).reshape({2, 2})));
}

TEST(ReleasedSeedRows, RefusesOtherShapes) {
  EXPECT_THROW(released_seed_rows(at::zeros({5, 3}, at::kLong)), Error);
  EXPECT_THROW(released_seed_rows(at::zeros({10}, at::kLong)), Error);
}

}  // namespace
}  // namespace cdfss
