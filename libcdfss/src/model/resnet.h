// The frozen feature extractor: a ResNet cut after layer3, dilated there (SPEC A1, part C).
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>

#include <optional>
#include <string>
#include <vector>

#include "model/folded_bottleneck.h"
#include "tensor/pixel_set.h"

namespace cdfss {

// The layouts of SPEC part C.
struct ResNetLayout {
  std::string name;           // "resnet50-deep", "resnet50", "resnet50-caffe", "resnet101..."
  bool deep_stem = false;     // three 3x3 convolutions and 128 channels, else one 7x7 and 64
  bool stride_first = false;  // layer2 strides in its first 1x1 convolution, else in the 3x3
  int layer3_blocks = 6;      // 6 or 23

  int stem_channels() const { return deep_stem ? 128 : 64; }
  // Throws Error(kInvalidValue) listing the known names.
  static ResNetLayout from_name(const std::string& name);
};

class BottleneckImpl : public torch::nn::Module {
 public:
  struct Options {
    int in_channels, planes;
    int stride = 1;
    int dilation = 1;
    bool stride_first = false;
  };
  explicit BottleneckImpl(const Options& options);
  // [B, in, H, W] -> [B, 4 planes, H/stride, W/stride]. Once folded, a block that has no downsample
  // convolution writes its result into `x`.
  at::Tensor forward(const at::Tensor& x);
  // The same for strips of `in`, which holds all that `out` needs (reads()), -> strips of `out`.
  // Only once folded, and of a block without a stride.
  at::Tensor forward_in(const at::Tensor& strips, const PixelSet& in, const PixelSet& out) const;
  // The pixels from which those of `out` come.
  PixelSet reads(const PixelSet& out) const;
  void fold_batch_norm(at::ScalarType dtype);
  // For whoever computes this block in another way; it cannot be run any more.
  FoldedBottleneck take_folded();

 private:
  struct Fused {
    FusedConvolution conv1, conv2, conv3;
    std::optional<FusedConvolution> downsample;
  };
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr}, conv3_{nullptr}, downsample_conv_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr}, bn2_{nullptr}, bn3_{nullptr}, downsample_bn_{nullptr};
  std::optional<Fused> fused_;  // what is computed with once folded
};
TORCH_MODULE(Bottleneck);

// Parameter names are the released ASGNet's for every layout: layer0.{0,1,...}, layerN.B.conv1...;
// the 7x7 stem is layer0.0 and layer0.1.
class ResNetImpl : public torch::nn::Module {
 public:
  explicit ResNetImpl(const ResNetLayout& layout);

  // Runs one stage, 0..3. For an S x S input with (S - 1) % 8 == 0, h = (S - 1) / 8 + 1:
  // 0: [B, 3, S, S] -> [B, 128 or 64, 2h-1, 2h-1]; 1: 256 channels, same size;
  // 2: [B, 512, h, h]; 3: [B, 1024, h, h].
  at::Tensor stage(int index, const at::Tensor& x);
  // Stage 3, computed for these pixels only, as strips [n, 1024, 1, pixels.strip()]: in each
  // block, for those from which its later blocks' come. Only once folded.
  at::Tensor last_stage_in(const PixelSet& pixels, const at::Tensor& x);

  // Folds BatchNorm's running statistics into the convolutions and converts those to `dtype`,
  // channels-last, for inference: the parameters that the module registered are empty then, so it
  // cannot be saved, moved or trained any more.
  void fold_batch_norm(at::ScalarType dtype);
  bool is_folded() const { return !fused_stem_.empty(); }

  // Takes the blocks of layer `stage`, 1..3, away, for whoever computes them in another way;
  // stage(stage, x) must not be called afterwards. Only before fold_batch_norm().
  std::vector<FoldedBottleneck> take_folded(int stage);

  const ResNetLayout& layout() const { return layout_; }
  static int channels(const ResNetLayout& layout, int stage);

 private:
  ResNetLayout layout_;
  std::vector<torch::nn::Conv2d> stem_convs_;
  std::vector<torch::nn::BatchNorm2d> stem_bns_;
  std::vector<FusedConvolution> fused_stem_;
  std::vector<std::vector<Bottleneck>> layers_;  // layer1..layer3
};
TORCH_MODULE(ResNet);

}  // namespace cdfss
