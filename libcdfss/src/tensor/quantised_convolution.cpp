#include "tensor/quantised_convolution.h"

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "tensor/cpu_features.h"
#include "tensor/onednn_operator.h"

namespace cdfss {
namespace {

constexpr double kLargestWeight = 127;

struct OneDnn {
  OneDnnOperator pack = find_operator("onednn::qconv_prepack", "");
  OneDnnOperator convolve = find_operator("onednn::qconv2d_pointwise", "");
  OneDnnOperator convolve_and_add = find_operator("onednn::qconv2d_pointwise", "binary");

  static const OneDnn& get() {
    static const OneDnn operators;
    return operators;
  }
};

c10::IValue optional(const at::Tensor& tensor) {
  return tensor.defined() ? c10::IValue(tensor) : c10::IValue();
}

}  // namespace

bool QuantisedConvolution::available() {
  const OneDnn& operators = OneDnn::get();
  return operators.pack && operators.convolve && operators.convolve_and_add && at::hasMKLDNN() &&
         cpu_multiplies_int8();
}

QuantisedConvolution::QuantisedConvolution(const at::Tensor& weight, const at::Tensor& bias,
                                           ConvolutionGeometry geometry, int place)
    : bias_(bias.defined() ? bias.detach() : bias), geometry_(geometry), place_(place) {
  const at::NoGradGuard no_grad;
  const at::Tensor largest = weight.abs().amax({1, 2, 3});
  weight_scales_ = at::where(largest > 0, largest / kLargestWeight, at::ones_like(largest));
  weight_zeros_ = at::zeros({weight.size(0)}, at::kInt);
  const at::Tensor bytes =
      at::round(weight / weight_scales_.view({-1, 1, 1, 1})).to(at::kChar).contiguous();
  // The layout depends neither on the activations' scale nor on where their zero is.
  const auto pack = [scales = weight_scales_, geometry](const at::Tensor& plain,
                                                        const at::Tensor& x) {
    return call(OneDnn::get().pack, plain, scales, 1.0, std::int64_t{0}, twice(geometry.stride),
                twice(geometry.padding), twice(geometry.dilation), std::int64_t{1},
                std::vector<std::int64_t>{1, x.size(1), x.size(2), x.size(3)});
  };
  packed_ = std::make_shared<PackedWeight>(bytes, pack);
}

at::Tensor QuantisedConvolution::convolve(const QuantisedTensor& x, bool relu, ByteScale to,
                                          at::ScalarType dtype) const {
  return call(OneDnn::get().convolve, x.bytes, x.scale.scale, x.scale.zero,
              packed_->for_image(x.bytes), weight_scales_, weight_zeros_, optional(bias_),
              twice(geometry_.stride), twice(geometry_.padding), twice(geometry_.dilation),
              std::int64_t{1}, to.scale, to.zero, static_cast<std::int64_t>(dtype),
              std::string(relu ? "relu" : "none"), no_scalars(), std::string());
}

at::Tensor QuantisedConvolution::convolve_and_add(const at::Tensor& sum, ByteScale of_sum,
                                                  const QuantisedTensor& x, bool relu,
                                                  ByteScale to) const {
  return call(OneDnn::get().convolve_and_add, x.bytes, x.scale.scale, x.scale.zero,
              packed_->for_image(x.bytes), weight_scales_, weight_zeros_, sum, optional(bias_),
              twice(geometry_.stride), twice(geometry_.padding), twice(geometry_.dilation),
              std::int64_t{1}, to.scale, to.zero, static_cast<std::int64_t>(sum.scalar_type()),
              of_sum.scale, of_sum.zero, std::string("sum"), at::Scalar(1.0),
              std::string(relu ? "relu" : "none"), no_scalars(), c10::IValue());
}

QuantisedTensor QuantisedConvolution::apply(const QuantisedTensor& x, bool relu,
                                            ActivationRanges& ranges) const {
  if (ranges.learning()) return quantise(apply(x, relu, at::kFloat), ranges, place_);
  const ByteScale to = ranges.scale(place_);
  return {convolve(x, relu, to, at::kByte), to};
}

at::Tensor QuantisedConvolution::apply(const QuantisedTensor& x, bool relu,
                                       at::ScalarType dtype) const {
  return convolve(x, relu, {}, dtype);
}

QuantisedTensor QuantisedConvolution::add_to(const QuantisedTensor& sum, const QuantisedTensor& x,
                                             ActivationRanges& ranges) const {
  if (ranges.learning()) {
    return quantise(add_to(dequantise(sum, at::kFloat), x, true), ranges, place_);
  }
  const ByteScale to = ranges.scale(place_);
  return {convolve_and_add(sum.bytes, sum.scale, x, true, to), to};
}

at::Tensor QuantisedConvolution::add_to(const at::Tensor& sum, const QuantisedTensor& x,
                                        bool relu) const {
  return convolve_and_add(sum, {}, x, relu, {});
}

}  // namespace cdfss
