// A block of rows stays in the second cache while the panels go by; a panel stays in the first
// while the rows of the block go by, as many at a time as there are registers for their sums.
// (F. Van Zee and R. van de Geijn, "BLIS: A Framework for Rapidly Instantiating BLAS
// Functionality", ACM TOMS 41(3), 2015.)
#include "tensor/matrix_product.h"

#include <algorithm>
#include <cstring>

#include "tensor/cpu_features.h"
#include "tensor/cpu_versions.h"

namespace cdfss {
namespace {

// Rows whose sums are in registers at once, and vectors of each: of one panel, or of four where a
// panel is one vector wide. More vectors and fewer rows load less for what they multiply. The rest
// of the registers are for the vectors of the right factor.
template <typename Cpu>
struct Registers {
  using Floats = typename LanesOf<Cpu::kLanes>::Floats;
  static constexpr int kOfPanel = kPanelColumns / Cpu::kLanes;
  static constexpr int kVectors = kOfPanel == 1 ? 4 : kOfPanel;
  static constexpr int kRows = Cpu::kLanes == 4 ? 3 : 6;
};

// Values of the left factor in a block: half of a second cache of 512 KB.
constexpr std::int64_t kBlockValues = 1 << 16;

// Neighbouring panels whose columns are computed together.
struct Panels {
  const float* values;  // [count, depth, kPanelColumns]
  std::int64_t depth, count;
};

// Fetches the next panels into the second cache while these are multiplied, a few lines for every
// kStep of the depth, so that all of them are there after the last of the block's rows.
struct Fetch {
  static constexpr std::int64_t kStep = 16;
  const char* next;
  std::int64_t lines;  // for each step

  // The block's rows take `rounds` passes over the panels.
  Fetch(const Panels& panels, std::int64_t rounds)
      : next(reinterpret_cast<const char*>(panels.values +
                                           panels.count * panels.depth * kPanelColumns)),
        lines((panels.count * kStep + rounds - 1) / rounds) {}
  CDFSS_INLINE void step() {
    for (std::int64_t i = 0; i < lines; ++i, next += kLine) __builtin_prefetch(next, 0, 2);
  }

 private:
  static constexpr std::int64_t kLine = kPanelColumns * sizeof(float);
};

// kCount rows of the panels' columns, which are kVectors vectors.
template <typename Cpu, int kCount, int kVectors>
CDFSS_INLINE void multiply_rows(MatrixView left, const Panels& panels, Fetch& fetch,
                                ProductFinish finish, float* result, std::int64_t result_step) {
  using Floats = typename Registers<Cpu>::Floats;
  constexpr int kOfPanel = Registers<Cpu>::kOfPanel;
  Floats sums[kCount][kVectors];
#pragma GCC unroll 6
  for (int r = 0; r < kCount; ++r) {
    // Written at the end, long after the loads that fetch it could have begun.
    __builtin_prefetch(result + r * result_step, 1);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[r][v] = Floats{};
  }
  const float* right = panels.values;
  // Every fourth row has a pointer of its own, and the others a step from it that fits into an
  // instruction. The compiler would rather keep a step for every row, more than there are registers
  // for: so it must not know how the pointers come about.
  constexpr int kBases = (kCount + 3) / 4;
  const float* bases[kBases];
  for (int b = 0; b < kBases; ++b) bases[b] = left.data + 4 * b * left.row_step;
  const std::int64_t panel = panels.depth * kPanelColumns;
  const auto multiply_column = [&] {
    Floats factors[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      load(right + v / kOfPanel * panel + v % kOfPanel * Cpu::kLanes, factors[v]);
    }
#pragma GCC unroll 6
    for (int r = 0; r < kCount; ++r) {
      const float factor = bases[r / 4][r % 4 * left.row_step];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] += factor * factors[v];
    }
    right += kPanelColumns;
#pragma GCC unroll 4
    for (int b = 0; b < kBases; ++b) {
      bases[b] += left.column_step;
      asm("" : "+r"(bases[b]));
    }
  };
  std::int64_t d = 0;
  for (; d + Fetch::kStep <= panels.depth; d += Fetch::kStep) {
    fetch.step();
#pragma GCC unroll 1
    for (std::int64_t i = 0; i < Fetch::kStep; ++i) multiply_column();
  }
  for (; d < panels.depth; ++d) multiply_column();
#pragma GCC unroll 6
  for (int r = 0; r < kCount; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      Floats sum = sums[r][v], other;
      float* const place = result + r * result_step + v * Cpu::kLanes;
      if (finish.bias != nullptr) {
        load(finish.bias + v * Cpu::kLanes, other);
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

// The last rows of a block, 0 to kCount.
template <typename Cpu, int kCount, int kVectors>
CDFSS_INLINE void multiply_last_rows(std::int64_t count, MatrixView left, const Panels& panels,
                                     Fetch& fetch, ProductFinish finish, float* result,
                                     std::int64_t result_step) {
  if constexpr (kCount > 0) {
    if (count == kCount) {
      return multiply_rows<Cpu, kCount, kVectors>(left, panels, fetch, finish, result, result_step);
    }
    multiply_last_rows<Cpu, kCount - 1, kVectors>(count, left, panels, fetch, finish, result,
                                                  result_step);
  }
}

// Rows [0, rows) of the panels' columns.
template <typename Cpu, int kVectors>
CDFSS_INLINE void multiply_panels(MatrixView left, std::int64_t rows, const Panels& panels,
                                  ProductFinish finish, float* result, std::int64_t result_step) {
  constexpr int kRows = Registers<Cpu>::kRows;
  Fetch fetch(panels, (rows + kRows - 1) / kRows);
  for (; rows >= kRows; rows -= kRows) {
    multiply_rows<Cpu, kRows, kVectors>(left, panels, fetch, finish, result, result_step);
    left.data += kRows * left.row_step;
    result += kRows * result_step;
  }
  multiply_last_rows<Cpu, kRows - 1, kVectors>(rows, left, panels, fetch, finish, result,
                                               result_step);
}

struct Multiply {
  template <typename Cpu>
  CDFSS_INLINE void operator()(const MatrixView& left, std::int64_t rows, std::int64_t depth,
                               const float* panels, std::int64_t columns,
                               const ProductFinish& finish, float* result,
                               std::int64_t result_step) const {
    using R = Registers<Cpu>;
    constexpr int kTogether = R::kVectors / R::kOfPanel;  // panels
    const std::int64_t block =
        std::max<std::int64_t>(1, kBlockValues / std::max<std::int64_t>(1, depth) / R::kRows) *
        R::kRows;
    for (std::int64_t first = 0; first < rows; first += block) {
      const std::int64_t count = std::min(block, rows - first);
      const MatrixView of_block{left.data + first * left.row_step, left.row_step, left.column_step};
      for (std::int64_t c = 0; c < columns;) {
        ProductFinish of_panels = finish;
        if (finish.bias != nullptr) of_panels.bias += c;
        float* const place = result + first * result_step + c;
        if (c + kTogether * kPanelColumns <= columns) {
          multiply_panels<Cpu, R::kVectors>(of_block, count, {panels + c * depth, depth, kTogether},
                                            of_panels, place, result_step);
          c += kTogether * kPanelColumns;
        } else {
          multiply_panels<Cpu, R::kOfPanel>(of_block, count, {panels + c * depth, depth, 1},
                                            of_panels, place, result_step);
          c += kPanelColumns;
        }
      }
    }
  }
};

}  // namespace

bool multiplies_matrices_faster() { return cpu_has_avx2(); }

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
  on_kind_of_cpu<Multiply{}>(left, rows, depth, panels, columns, finish, result, result_step);
}

}  // namespace cdfss
