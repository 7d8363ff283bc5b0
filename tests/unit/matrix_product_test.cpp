#include "tensor/matrix_product.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

namespace cdfss {
namespace {

MatrixView view(const at::Tensor& matrix) {
  return {matrix.const_data_ptr<float>(), matrix.stride(0), matrix.stride(1)};
}

at::Tensor panels_of(const at::Tensor& right) {
  const at::Tensor panels = at::empty({right.numel()}, at::kFloat);
  pack_panels(view(right), right.size(0), right.size(1), panels.mutable_data_ptr<float>());
  return panels;
}

at::Tensor product(const at::Tensor& left, const at::Tensor& right) {
  const at::Tensor result = at::full({left.size(0), right.size(1)}, NAN);
  multiply(view(left), left.size(0), left.size(1), panels_of(right).const_data_ptr<float>(),
           right.size(1), {}, result.mutable_data_ptr<float>(), result.stride(0));
  return result;
}

TEST(PackPanels, LiesSixteenColumnsOfEachRowSideBySide) {
  const at::Tensor right = at::arange(3 * 32, at::kFloat).view({3, 32});
  const at::Tensor expected = right.view({3, 2, 16}).transpose(0, 1).flatten();
  EXPECT_TRUE(at::equal(panels_of(right), expected));
  EXPECT_TRUE(at::equal(panels_of(right.t().contiguous().t()), expected));
}

TEST(Multiply, IsTheSumOfProducts) {
  // Rows (1, 2) and (3, 4) with columns (j, 1): j + 2 and 3 j + 4.
  const at::Tensor left = at::tensor({1.0F, 2.0F, 3.0F, 4.0F}).view({2, 2});
  const at::Tensor j = at::arange(16, at::kFloat);
  const at::Tensor right = at::stack({j, at::ones({16})});
  EXPECT_TRUE(at::equal(product(left, right), at::stack({j + 2, 3 * j + 4})));
}

// rows, depth, columns: less than, as many as and more than what is computed at once, and blocks.
class Sizes : public ::testing::TestWithParam<std::tuple<int, int, int>> {};

TEST_P(Sizes, AreThoseOfTheExactProduct) {
  at::manual_seed(3);
  const auto [rows, depth, columns] = GetParam();
  const at::Tensor left = at::randn({rows, depth}), right = at::randn({depth, columns});
  const at::Tensor exact = left.to(at::kDouble).mm(right.to(at::kDouble));
  const double tolerance = 1e-6 * depth + 1e-6;
  EXPECT_TRUE(at::allclose(product(left, right).to(at::kDouble), exact, 0, tolerance));
  // A transposed left factor, as of gradients, is the same to the bit.
  EXPECT_TRUE(at::equal(product(left.t().contiguous().t(), right), product(left, right)));
}

INSTANTIATE_TEST_SUITE_P(All, Sizes,
                         ::testing::Values(std::tuple{1, 1, 16}, std::tuple{5, 7, 16},
                                           std::tuple{6, 16, 32}, std::tuple{7, 33, 48},
                                           std::tuple{64, 256, 32}, std::tuple{200, 1024, 16},
                                           std::tuple{8, 20, 64}, std::tuple{15, 20, 112},
                                           std::tuple{3, 70000, 16}, std::tuple{0, 8, 16}));

TEST(Multiply, DoesNotDependOnTheRowsBeside) {
  at::manual_seed(4);
  const at::Tensor left = at::randn({23, 50}), right = at::randn({50, 32});
  const at::Tensor all = product(left, right);
  for (int row = 0; row < 23; ++row) {
    EXPECT_TRUE(at::equal(product(left.narrow(0, row, 1), right), all.narrow(0, row, 1))) << row;
  }
}

TEST(Multiply, AddsBiasAndWhatIsThereThenCutsOff) {
  const at::Tensor left = at::ones({7, 1}), right = at::arange(16, at::kFloat).view({1, 16}) - 8;
  const at::Tensor panels = panels_of(right), bias = at::full({16}, 0.5F);
  const at::Tensor result = at::full({7, 20}, -2.0F);  // rows farther apart than they are long
  ProductFinish finish{.bias = bias.const_data_ptr<float>(), .add = true, .relu = true};
  multiply(view(left), 7, 1, panels.const_data_ptr<float>(), 16, finish,
           result.mutable_data_ptr<float>(), 20);
  const at::Tensor expected = (right - 1.5F).clamp_min(0).expand({7, 16});
  EXPECT_TRUE(at::equal(result.narrow(1, 0, 16), expected));
  EXPECT_TRUE(result.narrow(1, 16, 4).eq(-2).all().item<bool>());
}

TEST(Multiply, KeepsWhatIsNotANumber) {
  const at::Tensor left = at::full({1, 1}, std::numeric_limits<float>::quiet_NaN());
  const at::Tensor result = at::zeros({1, 16});
  multiply(view(left), 1, 1, panels_of(at::ones({1, 16})).const_data_ptr<float>(), 16,
           {.relu = true}, result.mutable_data_ptr<float>(), 16);
  EXPECT_TRUE(result.isnan().all().item<bool>());
}

}  // namespace
}  // namespace cdfss
