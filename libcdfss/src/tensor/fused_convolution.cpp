#include "tensor/fused_convolution.h"

#include <ATen/ATen.h>

#include <utility>
#include <vector>

#include "tensor/cpu_features.h"
#include "tensor/onednn_operator.h"
#include "tensor/pointwise_convolution.h"
#include "tensor/tiled_convolution.h"

namespace cdfss {
namespace {

struct OneDnn {
  OneDnnOperator pack = find_operator("mkldnn::_reorder_convolution_weight", "");
  OneDnnOperator convolve = find_operator("mkldnn::_convolution_pointwise", "");
  OneDnnOperator convolve_and_add = find_operator("mkldnn::_convolution_pointwise_", "binary");

  static const OneDnn& get() {
    static const OneDnn operators;
    return operators;
  }
  bool fuses(const at::Tensor& weight, at::ScalarType dtype) const {
    const bool fast = dtype == at::kFloat || (dtype == at::kBFloat16 && cpu_multiplies_bf16());
    return pack && convolve && convolve_and_add && at::hasMKLDNN() && weight.is_cpu() && fast;
  }
};

at::Tensor pack(const ConvolutionGeometry& geometry, const at::Tensor& weight,
                const at::Tensor& x) {
  return call(OneDnn::get().pack, weight, twice(geometry.padding), twice(geometry.stride),
              twice(geometry.dilation), std::int64_t{geometry.groups},
              std::vector<std::int64_t>{1, x.size(1), x.size(2), x.size(3)});
}

}  // namespace

FusedConvolution::FusedConvolution(const at::Tensor& weight, const at::Tensor& bias,
                                   at::ScalarType dtype, ConvolutionGeometry geometry)
    : dtype_(dtype), geometry_(geometry) {
  const bool fuses = OneDnn::get().fuses(weight, dtype);
  if (fuses && !geometry.direct && TiledConvolution::is_faster(weight, dtype, geometry)) {
    tiled_ = std::make_shared<TiledConvolution>(weight, bias, dtype, geometry);
    return;
  }
  if (PointwiseConvolution::is_faster(weight, dtype, geometry)) {
    pointwise_ = std::make_shared<PointwiseConvolution>(weight, bias, geometry.stride);
    return;
  }
  if (bias.defined()) bias_ = bias.detach().to(dtype);
  const at::Tensor converted = weight.detach().to(dtype);
  if (fuses) {
    packed_ = std::make_shared<PackedWeight>(
        converted, [geometry](const at::Tensor& plain, const at::Tensor& x) {
          return pack(geometry, plain, x);
        });
  } else {
    weight_ = converted.contiguous(at::MemoryFormat::ChannelsLast);
  }
}

at::Tensor FusedConvolution::apply(const at::Tensor& x, bool relu) const {
  const at::Tensor input = x.to(dtype_);
  if (tiled_ != nullptr) return tiled_->apply(input, relu);
  if (pointwise_ != nullptr) return pointwise_->apply(input, relu);
  if (packed_ != nullptr) {
    return call(OneDnn::get().convolve, input, packed_->for_image(input),
                bias_.defined() ? c10::IValue(bias_) : c10::IValue(), twice(geometry_.padding),
                twice(geometry_.stride), twice(geometry_.dilation), std::int64_t{geometry_.groups},
                std::string(relu ? "relu" : "none"), no_scalars(), std::string());
  }
  at::Tensor y = at::conv2d(input, weight_, bias_, twice(geometry_.stride),
                            twice(geometry_.padding), twice(geometry_.dilation), geometry_.groups);
  return relu ? y.relu_() : y;
}

at::Tensor FusedConvolution::apply_in(const at::Tensor& mask, const at::Tensor& x,
                                      bool relu) const {
  return tiled_ == nullptr ? apply(x, relu) : tiled_->apply_in(mask, x.to(dtype_), relu);
}

at::Tensor FusedConvolution::add_to(at::Tensor sum, const at::Tensor& x, bool relu) const {
  const at::Tensor input = x.to(dtype_);
  if (pointwise_ != nullptr) {
    pointwise_->add_to(sum, input, relu);
    return sum;
  }
  if (packed_ != nullptr) {
    return call(OneDnn::get().convolve_and_add, sum, input, packed_->for_image(input),
                bias_.defined() ? c10::IValue(bias_) : c10::IValue(), twice(geometry_.padding),
                twice(geometry_.stride), twice(geometry_.dilation), std::int64_t{geometry_.groups},
                std::string("add"), at::Scalar(1.0),
                relu ? c10::IValue(std::string("relu")) : c10::IValue(), no_scalars(),
                c10::IValue());
  }
  sum.add_(apply(input, false));
  return relu ? sum.relu_() : sum;
}

}  // namespace cdfss
