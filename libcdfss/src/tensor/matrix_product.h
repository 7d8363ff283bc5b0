// Products of float32 matrices, in one thread, for CPUs with AVX2 or AVX-512. For the sizes of this
// network, oneDNN's 1 x 1 convolutions and MKL's products keep half to two thirds of AVX2's
// multipliers busy, and with AVX-512 oneDNN's are as fast as this from a few hundred rows on only
// (at 64 rows .6, at 144 .8 of its speed). This finishes values while they are in registers.
#pragma once

#include <cstdint>

namespace cdfss {

// Whether this is faster than LibTorch's own on the CPU that the program runs on.
bool multiplies_matrices_faster();

// value(row, column) = data[row * row_step + column * column_step]
struct MatrixView {
  const float* data;
  std::int64_t row_step, column_step;
};

// Columns of the right factor are packed, and computed, so many at a time.
constexpr std::int64_t kPanelColumns = 16;

// [depth, columns] -> panels [columns / kPanelColumns, depth, kPanelColumns], depth * columns
// values. `columns` must be a multiple of kPanelColumns.
void pack_panels(MatrixView right, std::int64_t depth, std::int64_t columns, float* panels);

// What becomes of the products, in this order.
struct ProductFinish {
  const float* bias = nullptr;  // [columns], added if not null
  bool add = false;             // to what the result holds
  bool relu = false;            // cut off at 0; NaN stays
};

// result[row * result_step + column] = the sum over `depth` of left(row, d) * right(d, column), in
// the order of d. Does not depend on which rows are computed together.
void multiply(MatrixView left, std::int64_t rows, std::int64_t depth, const float* panels,
              std::int64_t columns, ProductFinish finish, float* result, std::int64_t result_step);

}  // namespace cdfss
