#include "tensor/pointwise_convolution.h"

#include <ATen/ATen.h>

#include "tensor/matrix_product.h"
#include "tensor/parallel.h"

namespace cdfss {
namespace {

// Pixels a task, at least: fewer read the weights too often for what is done with them.
constexpr std::int64_t kTaskPixels = 96;

}  // namespace

bool PointwiseConvolution::is_faster(const at::Tensor& weight, at::ScalarType dtype,
                                     const ConvolutionGeometry& geometry) {
  return multiplies_matrices_faster() && weight.is_cpu() && dtype == at::kFloat &&
         weight.size(2) == 1 && weight.size(3) == 1 && geometry.padding == 0 &&
         geometry.groups == 1 && weight.size(0) % kPanelColumns == 0;
}

PointwiseConvolution::PointwiseConvolution(const at::Tensor& weight, const at::Tensor& bias,
                                           int stride)
    : in_(weight.size(1)),
      out_(weight.size(0)),
      stride_(stride),
      panels_(at::empty({out_, in_}, at::kFloat)),
      bias_(bias.defined() ? bias.detach().to(at::kFloat).contiguous() : at::Tensor()) {
  const at::Tensor matrix = weight.detach().to(at::kFloat).view({out_, in_}).contiguous();
  pack_panels({matrix.const_data_ptr<float>(), 1, in_}, in_, out_,
              panels_.mutable_data_ptr<float>());
}

at::Tensor PointwiseConvolution::apply(const at::Tensor& x, bool relu) const {
  const at::Tensor result = at::empty(
      {x.size(0), out_, (x.size(2) + stride_ - 1) / stride_, (x.size(3) + stride_ - 1) / stride_},
      x.options().memory_format(at::MemoryFormat::ChannelsLast));
  multiply_into(result, x, /*add=*/false, relu);
  return result;
}

void PointwiseConvolution::add_to(const at::Tensor& sum, const at::Tensor& x, bool relu) const {
  const at::Tensor dense = sum.contiguous(at::MemoryFormat::ChannelsLast);
  multiply_into(dense, x, /*add=*/true, relu);
  if (!dense.is_same(sum)) sum.copy_(dense);
}

void PointwiseConvolution::multiply_into(const at::Tensor& result, const at::Tensor& x, bool add,
                                         bool relu) const {
  const at::Tensor taken = stride_ == 1 ? x : x.slice(2, 0, {}, stride_).slice(3, 0, {}, stride_);
  const at::Tensor pixels = taken.contiguous(at::MemoryFormat::ChannelsLast);
  const float* const values = pixels.const_data_ptr<float>();
  float* const results = result.mutable_data_ptr<float>();
  const ProductFinish finish{bias_.defined() ? bias_.const_data_ptr<float>() : nullptr, add, relu};
  at::parallel_for(0, pixels.numel() / in_, kTaskPixels, [&](std::int64_t begin, std::int64_t end) {
    multiply({values + begin * in_, in_, 1}, end - begin, in_, panels_.const_data_ptr<float>(),
             out_, finish, results + begin * out_, out_);
  });
}

}  // namespace cdfss
