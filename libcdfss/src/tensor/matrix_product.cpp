// A block of rows stays in the second cache while the panels go by; a panel stays in the first
// while the rows of the block go by, six at a time. Six rows of sixteen sums are twelve registers.
// (F. Van Zee and R. van de Geijn, "BLIS: A Framework for Rapidly Instantiating BLAS
// Functionality", ACM TOMS 41(3), 2015.)
#include "tensor/matrix_product.h"

#include <algorithm>
#include <cstring>

#include "tensor/cpu_features.h"
#include "tensor/cpu_versions.h"

namespace cdfss {
namespace {

constexpr int kVectorLanes = 8;
constexpr int kVectors = kPanelColumns / kVectorLanes;
constexpr int kRows = 6;
using Floats = LanesOf<kVectorLanes>::Floats;

// Values of the left factor in a block: half of a second cache of 512 KB.
constexpr std::int64_t kBlockValues = 1 << 16;

struct Panel {
  const float* values;  // [depth, kPanelColumns]
  std::int64_t depth;
};

// Fetches the next panel into the second cache while this one is multiplied, a few lines for every
// kStep of the depth, so that all of it is there after the last of the block's rows.
struct Fetch {
  static constexpr std::int64_t kStep = 16;
  const char* next;
  std::int64_t lines;  // for each step

  Fetch(const Panel& panel, std::int64_t rows)
      : next(reinterpret_cast<const char*>(panel.values + panel.depth * kPanelColumns)),
        lines((kStep + rows / kRows) / (rows / kRows + 1)) {}
  CDFSS_INLINE void step() {
    for (std::int64_t i = 0; i < lines; ++i, next += kLine) __builtin_prefetch(next, 0, 2);
  }

 private:
  static constexpr std::int64_t kLine = kPanelColumns * sizeof(float);
};

// Rows of a panel's columns.
template <int kCount>
CDFSS_INLINE void multiply_rows(MatrixView left, const Panel& panel, Fetch& fetch,
                                ProductFinish finish, float* result, std::int64_t result_step) {
  Floats sums[kCount][kVectors];
#pragma GCC unroll 6
  for (int r = 0; r < kCount; ++r) {
    // Written at the end, long after the loads that fetch it could have begun.
    __builtin_prefetch(result + r * result_step, 1);
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) sums[r][v] = Floats{};
  }
  const float* right = panel.values;
  const float* column = left.data;
  const auto multiply_column = [&] {
    Floats factors[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) load(right + v * kVectorLanes, factors[v]);
#pragma GCC unroll 6
    for (int r = 0; r < kCount; ++r) {
      const float factor = column[r * left.row_step];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sums[r][v] += factor * factors[v];
    }
    right += kPanelColumns;
    column += left.column_step;
  };
  std::int64_t d = 0;
  for (; d + Fetch::kStep <= panel.depth; d += Fetch::kStep) {
    fetch.step();
#pragma GCC unroll 1
    for (std::int64_t i = 0; i < Fetch::kStep; ++i) multiply_column();
  }
  for (; d < panel.depth; ++d) multiply_column();
#pragma GCC unroll 6
  for (int r = 0; r < kCount; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      Floats sum = sums[r][v], other;
      float* const place = result + r * result_step + v * kVectorLanes;
      if (finish.bias != nullptr) {
        load(finish.bias + v * kVectorLanes, other);
        sum += other;
      }
      if (finish.add) {
        load(place, other);
        sum += other;
      }
      if (finish.relu) sum = sum < 0 ? Floats{} : sum;
      store(sum, place);
    }
  }
}

CDFSS_INLINE void multiply_last_rows(std::int64_t count, MatrixView left, const Panel& panel,
                                     Fetch& fetch, ProductFinish finish, float* result,
                                     std::int64_t result_step) {
  switch (count) {
    case 1:
      return multiply_rows<1>(left, panel, fetch, finish, result, result_step);
    case 2:
      return multiply_rows<2>(left, panel, fetch, finish, result, result_step);
    case 3:
      return multiply_rows<3>(left, panel, fetch, finish, result, result_step);
    case 4:
      return multiply_rows<4>(left, panel, fetch, finish, result, result_step);
    case 5:
      return multiply_rows<5>(left, panel, fetch, finish, result, result_step);
    default:
      return;
  }
}

struct Multiply {
  CDFSS_INLINE void operator()(const MatrixView& left, std::int64_t rows, std::int64_t depth,
                               const float* panels, std::int64_t columns,
                               const ProductFinish& finish, float* result,
                               std::int64_t result_step) const {
    const std::int64_t block =
        std::max<std::int64_t>(1, kBlockValues / std::max<std::int64_t>(1, depth) / kRows) * kRows;
    for (std::int64_t first = 0; first < rows; first += block) {
      const std::int64_t end = std::min(first + block, rows);
      for (std::int64_t c = 0; c < columns; c += kPanelColumns) {
        const Panel panel{panels + c * depth, depth};
        Fetch fetch(panel, end - first);
        ProductFinish of_panel = finish;
        if (finish.bias != nullptr) of_panel.bias += c;
        std::int64_t row = first;
        const auto rest = [&] {
          return MatrixView{left.data + row * left.row_step, left.row_step, left.column_step};
        };
        for (; row + kRows <= end; row += kRows) {
          multiply_rows<kRows>(rest(), panel, fetch, of_panel, result + row * result_step + c,
                               result_step);
        }
        multiply_last_rows(end - row, rest(), panel, fetch, of_panel,
                           result + row * result_step + c, result_step);
      }
    }
  }
};

}  // namespace

bool multiplies_matrices_faster() { return cpu_has_avx2() && !cpu_has_avx512(); }

void pack_panels(MatrixView right, std::int64_t depth, std::int64_t columns, float* panels) {
  for (std::int64_t c = 0; c < columns; c += kPanelColumns) {
    for (std::int64_t d = 0; d < depth; ++d, panels += kPanelColumns) {
      const float* const row = right.data + d * right.row_step + c * right.column_step;
      if (right.column_step == 1) {
        std::memcpy(panels, row, kPanelColumns * sizeof(float));
        continue;
      }
      for (std::int64_t i = 0; i < kPanelColumns; ++i) panels[i] = row[i * right.column_step];
    }
  }
}

void multiply(MatrixView left, std::int64_t rows, std::int64_t depth, const float* panels,
              std::int64_t columns, ProductFinish finish, float* result, std::int64_t result_step) {
  on_this_cpu<Multiply{}>(left, rows, depth, panels, columns, finish, result, result_step);
}

}  // namespace cdfss
