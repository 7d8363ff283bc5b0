// oneDNN chooses the layout of a weight by the image's size, and would convert a weight of another
// layout for every image. So the weight is packed when a size is first met, and kept only so.
#include "tensor/fused_convolution.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <vector>

#include "tensor/cpu_features.h"

namespace cdfss {
namespace {

constexpr std::size_t kMostPacks = 3;  // sizes in use at the same time; another replaces the oldest

// Called boxed, since the C++ types of their arguments change between LibTorch's versions.
std::optional<c10::OperatorHandle> find_operator(const char* name, const char* overload) {
  return c10::Dispatcher::singleton().findSchema({name, overload});
}

struct OneDnn {
  std::optional<c10::OperatorHandle> pack =
      find_operator("mkldnn::_reorder_convolution_weight", "");
  std::optional<c10::OperatorHandle> convolve = find_operator("mkldnn::_convolution_pointwise", "");
  std::optional<c10::OperatorHandle> convolve_and_add =
      find_operator("mkldnn::_convolution_pointwise_", "binary");

  static const OneDnn& get() {
    static const OneDnn operators;
    return operators;
  }
  bool fuses(const at::Tensor& weight) const {
    const bool fast = weight.scalar_type() == at::kFloat ||
                      (weight.scalar_type() == at::kBFloat16 && cpu_multiplies_bf16());
    return pack && convolve && convolve_and_add && at::hasMKLDNN() && weight.is_cpu() && fast;
  }
};

template <typename... Arguments>
at::Tensor call(const std::optional<c10::OperatorHandle>& function, Arguments&&... arguments) {
  std::vector<c10::IValue> stack{c10::IValue(std::forward<Arguments>(arguments))...};
  function->callBoxed(stack);
  return stack.front().toTensor();
}

std::vector<std::int64_t> twice(int value) { return {value, value}; }
c10::List<std::optional<at::Scalar>> no_scalars() { return c10::List<std::optional<at::Scalar>>(); }

}  // namespace

struct FusedConvolution::Packs {
  struct Pack {
    std::int64_t height, width;
    at::Tensor weight;
  };
  std::mutex lock;
  at::Tensor plain;         // undefined once there is a pack
  std::vector<Pack> packs;  // oldest first
};

FusedConvolution::FusedConvolution(const at::Tensor& weight, const at::Tensor& bias,
                                   ConvolutionGeometry geometry)
    : dtype_(weight.scalar_type()),
      bias_(bias.defined() ? bias.detach() : bias),
      geometry_(geometry) {
  if (OneDnn::get().fuses(weight)) {
    packs_ = std::make_shared<Packs>();
    packs_->plain = weight.detach();
  } else {
    weight_ = weight.detach().contiguous(at::MemoryFormat::ChannelsLast);
  }
}

at::Tensor FusedConvolution::packed_for(const at::Tensor& x) const {
  if (packs_ == nullptr) return {};
  const std::int64_t height = x.size(2), width = x.size(3);
  const std::lock_guard held(packs_->lock);
  std::vector<Packs::Pack>& packs = packs_->packs;
  const auto known = std::find_if(packs.begin(), packs.end(), [&](const Packs::Pack& pack) {
    return pack.height == height && pack.width == width;
  });
  if (known != packs.end()) return known->weight;
  const at::Tensor plain = packs.empty() ? packs_->plain : packs.back().weight.to_dense();
  const at::Tensor packed =
      call(OneDnn::get().pack, plain.contiguous(), twice(geometry_.padding),
           twice(geometry_.stride), twice(geometry_.dilation), std::int64_t{1},
           std::vector<std::int64_t>{1, x.size(1), height, width});
  packs_->plain.reset();
  if (packs.size() == kMostPacks) packs.erase(packs.begin());
  packs.push_back({height, width, packed});
  return packed;
}

at::Tensor FusedConvolution::apply(const at::Tensor& x, bool relu) const {
  const at::Tensor input = x.to(dtype_);
  if (const at::Tensor packed = packed_for(input); packed.defined()) {
    return call(OneDnn::get().convolve, input, packed,
                bias_.defined() ? c10::IValue(bias_) : c10::IValue(), twice(geometry_.padding),
                twice(geometry_.stride), twice(geometry_.dilation), std::int64_t{1},
                std::string(relu ? "relu" : "none"), no_scalars(), std::string());
  }
  at::Tensor y = at::conv2d(input, weight_, bias_, twice(geometry_.stride),
                            twice(geometry_.padding), twice(geometry_.dilation));
  return relu ? y.relu_() : y;
}

at::Tensor FusedConvolution::add_to(at::Tensor sum, const at::Tensor& x, bool relu) const {
  const at::Tensor input = x.to(dtype_);
  if (const at::Tensor packed = packed_for(input); packed.defined()) {
    return call(OneDnn::get().convolve_and_add, sum, input, packed,
                bias_.defined() ? c10::IValue(bias_) : c10::IValue(), twice(geometry_.padding),
                twice(geometry_.stride), twice(geometry_.dilation), std::int64_t{1},
                std::string("add"), at::Scalar(1.0),
                relu ? c10::IValue(std::string("relu")) : c10::IValue(), no_scalars(),
                c10::IValue());
  }
  sum.add_(apply(input, false));
  return relu ? sum.relu_() : sum;
}

}  // namespace cdfss
