#include "tensor/winograd_convolution.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "tensor/cpu_features.h"
#include "tensor/winograd_planes.h"
#include "tensor/winograd_products.h"

namespace cdfss {
namespace {

// Smaller images cost more in the kernels' transforms than they save. Of one image, so that a batch
// shared among processes is computed alike.
constexpr std::int64_t kFewestPixels = 200;

at::Tensor channels_last(const at::Tensor& x) {
  return x.contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor empty_images(const at::Tensor& like, std::int64_t channels) {
  return at::empty({like.size(0), channels, like.size(2), like.size(3)},
                   like.options().memory_format(at::MemoryFormat::ChannelsLast));
}

// With the images' and the kernels' transforms V, U and the output's gradient dM = A dY A^T:
// M = V U^T, dU = dM^T V; the image's gradient is the convolution of dY with the rotated kernels.
class Conv3x3Relu : public torch::autograd::Function<Conv3x3Relu> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& weight) {
    const at::ScalarType dtype = x.scalar_type();
    const at::Tensor images = channels_last(x);
    const at::Tensor y = empty_images(images, weight.size(0));
    const auto kernels = PlaneFactors::of_kernels(weight, dtype);
    from_planes(kernels.products(to_planes(images, TileInput::kImage, dtype)), TileOutput::kImage,
                /*relu=*/true, y);
    context->save_for_backward({images, weight, y});
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const at::Tensor &images = saved[0], &weight = saved[1], &y = saved[2];
    const at::ScalarType dtype = images.scalar_type();
    const at::Tensor gradient = channels_last(gradients[0]);
    at::Tensor of_images, of_weight;
    if (context->needs_input_grad(0)) {
      of_images = empty_images(images, images.size(1));
      const auto kernels = PlaneFactors::of_rotated_kernels(weight, dtype);
      from_planes(kernels.products(to_planes(gradient, TileInput::kImage, dtype, y)),
                  TileOutput::kImage, /*relu=*/false, of_images);
    }
    if (context->needs_input_grad(1)) {
      of_weight = at::empty_like(weight, weight.options(), at::MemoryFormat::ChannelsLast);
      const auto pixels = PlaneFactors::of_images(images, dtype);
      from_planes(pixels.products(to_planes(gradient, TileInput::kGradient, dtype, y).mT()),
                  TileOutput::kKernel, /*relu=*/false, of_weight);
    }
    return {of_images, of_weight};
  }
};

// What conv2d would compute in.
at::ScalarType compute_type(const at::Tensor& x) {
  const c10::DeviceType device = x.device().type();
  return at::autocast::is_autocast_enabled(device) ? at::autocast::get_autocast_dtype(device)
                                                   : x.scalar_type();
}

bool is_worth_it(const at::Tensor& x, const at::Tensor& weight, at::ScalarType dtype) {
  const bool known = dtype == at::kFloat || (dtype == at::kBFloat16 && cpu_multiplies_bf16());
  return known && x.is_cpu() && weight.scalar_type() == at::kFloat &&
         x.size(1) % kTileChannels == 0 && weight.size(0) % kTileChannels == 0 &&
         x.size(2) * x.size(3) >= kFewestPixels && at::GradMode::is_enabled() &&
         (x.requires_grad() || weight.requires_grad());
}

}  // namespace

at::Tensor conv3x3_relu(const at::Tensor& x, const at::Tensor& weight) {
  const at::ScalarType dtype = compute_type(x);
  if (!is_worth_it(x, weight, dtype)) {
    return at::conv2d(x.to(dtype), weight.to(dtype), {}, 1, 1).relu_();
  }
  return Conv3x3Relu::apply(x.to(dtype), weight);
}

}  // namespace cdfss
