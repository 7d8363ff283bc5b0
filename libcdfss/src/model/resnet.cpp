#include "model/resnet.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/moduledict.h>

#include <array>

#include "cdfss/error.h"
#include "model/unset_weights.h"

namespace cdfss {
namespace {

torch::nn::Conv2d make_conv(int in, int out, int kernel, int stride = 1, int dilation = 1) {
  return torch::nn::Conv2d(make_convolution(torch::nn::Conv2dOptions(in, out, kernel)
                                                .stride(stride)
                                                .padding(kernel == 7 ? 3 : (kernel / 2) * dilation)
                                                .dilation(dilation)
                                                .bias(false)));
}

at::Tensor conv_bn(torch::nn::Conv2d& conv, torch::nn::BatchNorm2d& bn, const at::Tensor& x) {
  return bn->forward(conv->forward(x));
}

// y = gamma (conv(x) - mean) / sqrt(var + eps) + beta is itself a convolution with a bias. Takes
// the convolution's weight away.
FoldedConvolution fold(torch::nn::Conv2d& conv, torch::nn::BatchNorm2d& bn) {
  const at::NoGradGuard no_grad;
  const at::Tensor scale = bn->weight * at::rsqrt(bn->running_var + bn->options.eps());  // [out]
  const at::Tensor bias = bn->bias - bn->running_mean * scale;
  const at::Tensor weight = conv->weight * scale.view({-1, 1, 1, 1});
  conv->weight.set_data(at::empty({0}, conv->weight.options()));
  const auto only = [](at::IntArrayRef both) { return static_cast<int>(both[0]); };
  return {weight,
          bias,
          {.stride = only(conv->options.stride()),
           .padding = only(std::get<torch::ExpandingArray<2>>(conv->options.padding())),
           .dilation = only(conv->options.dilation())}};
}

// A block that is needed at more of the pixels than this is computed for all: picking some out
// costs more than it saves.
constexpr double kMostlyAll = 0.9;

struct Stage {
  int planes, blocks, stride, dilation;
};

// Residual stages layer1..layer3; layer3 is dilated instead of strided (SPEC A1).
std::array<Stage, 3> stages_of(const ResNetLayout& layout) {
  return {Stage{64, 3, 1, 1}, Stage{128, 4, 2, 1}, Stage{256, layout.layer3_blocks, 1, 2}};
}

}  // namespace

ResNetLayout ResNetLayout::from_name(const std::string& name) {
  static const std::array<ResNetLayout, 5> kLayouts{{
      {"resnet50-deep", true, false, 6},
      {"resnet101-deep", true, false, 23},
      {"resnet50", false, false, 6},
      {"resnet101", false, false, 23},
      {"resnet50-caffe", false, true, 6},
  }};
  std::string known;
  for (const ResNetLayout& layout : kLayouts) {
    if (layout.name == name) return layout;
    known += (known.empty() ? "" : ", ") + layout.name;
  }
  throw Error(ErrorCode::kInvalidValue, "backbone \"" + name + "\": expected one of " + known);
}

BottleneckImpl::BottleneckImpl(const Options& options) {
  const int out = 4 * options.planes;
  const int first_stride = options.stride_first ? options.stride : 1;
  conv1_ =
      register_module("conv1", make_conv(options.in_channels, options.planes, 1, first_stride));
  bn1_ = register_module("bn1", torch::nn::BatchNorm2d(options.planes));
  conv2_ = register_module("conv2", make_conv(options.planes, options.planes, 3,
                                              options.stride / first_stride, options.dilation));
  bn2_ = register_module("bn2", torch::nn::BatchNorm2d(options.planes));
  conv3_ = register_module("conv3", make_conv(options.planes, out, 1));
  bn3_ = register_module("bn3", torch::nn::BatchNorm2d(out));
  if (options.stride != 1 || options.in_channels != out) {
    downsample_conv_ = make_conv(options.in_channels, out, 1, options.stride);
    downsample_bn_ = torch::nn::BatchNorm2d(out);
    auto downsample = register_module("downsample", torch::nn::ModuleList());
    downsample->push_back(downsample_conv_);
    downsample->push_back(downsample_bn_);
  }
}

at::Tensor BottleneckImpl::forward(const at::Tensor& x) {
  if (fused_) {
    const at::Tensor y = fused_->conv2.apply(fused_->conv1.apply(x, true), true);
    return fused_->conv3.add_to(fused_->downsample ? fused_->downsample->apply(x, false) : x, y,
                                true);
  }
  at::Tensor y = conv_bn(conv1_, bn1_, x).relu_();
  y = conv_bn(conv2_, bn2_, y).relu_();
  y = conv_bn(conv3_, bn3_, y);
  y = y + (downsample_conv_.is_empty() ? x : conv_bn(downsample_conv_, downsample_bn_, x));
  return y.relu_();
}

at::Tensor BottleneckImpl::forward_in(const at::Tensor& strips, const PixelSet& in,
                                      const PixelSet& out) const {
  const at::Tensor narrow = in.images_of(fused_->conv1.apply(strips, true));
  const at::Tensor y = out.strips_of(fused_->conv2.apply_in(out.mask(), narrow, true));
  const at::Tensor x = out.strips_of(strips, in);
  return fused_->conv3.add_to(fused_->downsample ? fused_->downsample->apply(x, false) : x, y,
                              true);
}

PixelSet BottleneckImpl::reads(const PixelSet& out) const {
  return out.grown(static_cast<int>((*conv2_->options.dilation())[0]));
}

void BottleneckImpl::fold_batch_norm(at::ScalarType dtype) {
  if (fused_) return;
  const FoldedBottleneck folded = take_folded();
  fused_.emplace(Fused{folded.conv1.fused(dtype), folded.conv2.fused(dtype),
                       folded.conv3.fused(dtype), std::nullopt});
  if (folded.downsample) fused_->downsample = folded.downsample->fused(dtype);
}

FoldedBottleneck BottleneckImpl::take_folded() {
  FoldedBottleneck folded{fold(conv1_, bn1_), fold(conv2_, bn2_), fold(conv3_, bn3_), std::nullopt};
  if (!downsample_conv_.is_empty()) folded.downsample = fold(downsample_conv_, downsample_bn_);
  return folded;
}

ResNetImpl::ResNetImpl(const ResNetLayout& layout) : layout_(layout) {
  // The released Sequential's indices: conv, bn, ReLU (no parameters) three times, or once.
  auto stem = register_module("layer0", torch::nn::ModuleDict());
  if (layout.deep_stem) {
    stem_convs_ = {make_conv(3, 64, 3, 2), make_conv(64, 64, 3), make_conv(64, 128, 3)};
    stem_bns_ = {torch::nn::BatchNorm2d(64), torch::nn::BatchNorm2d(64),
                 torch::nn::BatchNorm2d(128)};
  } else {
    stem_convs_ = {make_conv(3, 64, 7, 2)};
    stem_bns_ = {torch::nn::BatchNorm2d(64)};
  }
  torch::OrderedDict<std::string, std::shared_ptr<torch::nn::Module>> stem_modules;
  for (std::size_t i = 0; i < stem_convs_.size(); ++i) {
    stem_modules.insert(std::to_string(3 * i), stem_convs_[i].ptr());
    stem_modules.insert(std::to_string(3 * i + 1), stem_bns_[i].ptr());
  }
  stem->update(stem_modules);

  int in_channels = layout.stem_channels();
  int number = 1;
  for (const Stage& stage : stages_of(layout)) {
    auto layer = register_module("layer" + std::to_string(number++), torch::nn::ModuleList());
    std::vector<Bottleneck>& blocks = layers_.emplace_back();
    for (int i = 0; i < stage.blocks; ++i) {
      blocks.emplace_back(BottleneckImpl::Options{.in_channels = in_channels,
                                                  .planes = stage.planes,
                                                  .stride = i == 0 ? stage.stride : 1,
                                                  .dilation = stage.dilation,
                                                  .stride_first = layout.stride_first});
      layer->push_back(blocks.back());
      in_channels = 4 * stage.planes;
    }
  }
}

at::Tensor ResNetImpl::stage(int index, const at::Tensor& x) {
  at::Tensor y = x;
  if (index == 0) {
    for (const FusedConvolution& conv : fused_stem_) y = conv.apply(y, true);
    for (std::size_t i = 0; i < stem_convs_.size() && !is_folded(); ++i) {
      y = conv_bn(stem_convs_[i], stem_bns_[i], y).relu_();
    }
    return at::max_pool2d(y, 3, 2, 1);
  }
  for (Bottleneck& block : layers_.at(index - 1)) y = block->forward(y);
  return y;
}

at::Tensor ResNetImpl::last_stage_in(const PixelSet& pixels, const at::Tensor& x) {
  std::vector<Bottleneck>& blocks = layers_.back();
  std::vector<PixelSet> sets{pixels};  // of the last block's output, and back to its first's input
  while (sets.size() <= blocks.size()) {
    sets.push_back(blocks[blocks.size() - sets.size()]->reads(sets.back()));
  }
  at::Tensor y = x;
  std::size_t i = 0;
  for (; i < blocks.size() && sets[blocks.size() - i - 1].share() > kMostlyAll; ++i) {
    y = blocks[i]->forward(y);
  }
  y = sets[blocks.size() - i].strips_of(y);
  for (; i < blocks.size(); ++i) {
    y = blocks[i]->forward_in(y, sets[blocks.size() - i], sets[blocks.size() - i - 1]);
  }
  return y;
}

void ResNetImpl::fold_batch_norm(at::ScalarType dtype) {
  for (std::size_t i = fused_stem_.size(); i < stem_convs_.size(); ++i) {
    fused_stem_.push_back(fold(stem_convs_[i], stem_bns_[i]).fused(dtype));
  }
  for (auto& layer : layers_) {
    for (Bottleneck& block : layer) block->fold_batch_norm(dtype);
  }
}

std::vector<FoldedBottleneck> ResNetImpl::take_folded(int stage) {
  std::vector<FoldedBottleneck> folded;
  for (Bottleneck& block : layers_.at(stage - 1)) folded.push_back(block->take_folded());
  layers_.at(stage - 1).clear();
  return folded;
}

int ResNetImpl::channels(const ResNetLayout& layout, int stage) {
  return stage == 0 ? layout.stem_channels() : 4 * stages_of(layout).at(stage - 1).planes;
}

}  // namespace cdfss
