#include "training_encoder.h"

#include <ATen/ATen.h>
#include <torch/utils.h>

#include <algorithm>

#include "autocast.h"
#include "generator_state.h"
#include "io/module_tensors.h"
#include "style_mixing.h"
#include "tensor/image_tensor.h"

namespace cdfss {
namespace {

at::Device device_of(const Asgnet& network) { return network->parameters().front().device(); }

// A ResNet for inference with the weights of `source`.
ResNet folded_copy(ResNet source, at::Device device, at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  // Its first weights are random: a run that goes on makes it anew and must not draw for it.
  const GeneratorGuard generators(device);
  ResNet copy(source->layout());
  copy->to(device);
  const auto tensors = module_tensors(*source);
  for (auto& [name, tensor] : module_tensors(*copy)) at::Tensor(tensor).copy_(tensors.at(name));
  copy->eval();
  copy->fold_batch_norm(dtype);
  return copy;
}

}  // namespace

TrainingEncoder::TrainingEncoder(Asgnet network, EncoderOptions options)
    : network_(std::move(network)), options_(std::move(options)) {}

at::Tensor TrainingEncoder::reduced(const at::Tensor& rows, Encoded encoded, const Pass& pass) {
  const at::Device device = device_of(network_);
  const Autocast autocast(device.type(), options_.precision);
  const torch::AutoGradMode gradient(pass.with_gradient);
  const at::Tensor features = backbone_features(rows.to(device), encoded, pass);
  return network_->reduce(features).to(at::kFloat);
}

ReducedPixels TrainingEncoder::reduced_in(const at::Tensor& mask, const at::Tensor& rows,
                                          Encoded encoded, const Pass& pass, bool with_features) {
  const at::Device device = device_of(network_);
  const Autocast autocast(device.type(), options_.precision);
  const PixelSet pixels(mask, at::TensorOptions(device).dtype(options_.precision));
  ReducedPixels reduced = network_->reduce(backbone_strips(pixels, rows.to(device), encoded, pass),
                                           pixels, with_features, pass.with_gradient);
  if (with_features) reduced.features = reduced.features.to(at::kFloat);
  return reduced;
}

at::Tensor TrainingEncoder::backbone_strips(const PixelSet& pixels, const at::Tensor& rows,
                                            Encoded encoded, const Pass& pass) {
  if (encoded == Encoded::kWholly) return pixels.strips_of(rows).to(options_.precision);
  if (!last_stage_is_local(rows.device())) {
    return pixels.strips_of(backbone_features(rows, encoded, pass));
  }
  const at::NoGradGuard no_grad;
  if (encoded == Encoded::kPartly) {
    return encode_from_in(pixels, encoder(), network_->unstyled_stage(),
                          rows.to(options_.precision), hook(pass));
  }
  return encode_in(pixels, encoder(), images_to_input(rows, pass), hook(pass));
}

bool TrainingEncoder::last_stage_is_local(const at::Device& device) const {
  const auto last_in = [](const std::vector<int>& layers) {
    return std::ranges::count(layers, 3) > 0;
  };
  // Picking out pixels pays on the CPU.
  return folds() && device.is_cpu() && !last_in(network_->options().memory_layers) &&
         !last_in(options_.mixing_layers);
}

at::Tensor TrainingEncoder::backbone_features(const at::Tensor& rows, Encoded encoded,
                                              const Pass& pass) {
  const torch::AutoGradMode gradient(options_.train_backbone && at::GradMode::is_enabled());
  if (encoded == Encoded::kNot) return encode(encoder(), images_to_input(rows, pass), hook(pass));
  const at::Tensor features = rows.to(options_.precision);
  if (encoded == Encoded::kWholly) return features;
  return encode_from(encoder(), network_->unstyled_stage(), features, hook(pass));
}

at::Tensor TrainingEncoder::images_to_input(const at::Tensor& images, const Pass& pass) {
  const at::Tensor input = normalise(images).contiguous(at::MemoryFormat::ChannelsLast);
  const bool mixes = pass.shifted && options_.style_shift == StyleShift::kMixUp;
  const at::Tensor mixed = mixes ? mix_up(input) : input;
  return folds() ? mixed.to(options_.precision) : mixed;
}

StageHook TrainingEncoder::hook(const Pass& pass) {
  if (pass.shifted && options_.style_shift == StyleShift::kMixStyle) {
    return {options_.mixing_layers,
            [](int, const at::Tensor& features) { return mix_style(features); }};
  }
  const auto pick = pass.shifted ? std::optional(Pick::kLowest) : std::nullopt;
  return network_->memory_hook(pick, pass.styles);
}

ResNet TrainingEncoder::encoder() {
  if (!folds()) return network_->backbone();
  if (folded_.is_empty()) {
    folded_ = folded_copy(network_->backbone(), device_of(network_), options_.precision);
  }
  return folded_;
}

at::Tensor plain_features(Asgnet& network, const at::Tensor& rows, Encoded encoded) {
  const at::Tensor input = rows.to(device_of(network));
  if (encoded == Encoded::kWholly) return input.to(at::kFloat);
  if (encoded == Encoded::kPartly) {
    return encode_from(network->backbone(), network->unstyled_stage(), input.to(at::kFloat));
  }
  return network->backbone_features(normalise(input).contiguous(at::MemoryFormat::ChannelsLast),
                                    std::nullopt);
}

}  // namespace cdfss
