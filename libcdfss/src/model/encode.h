// The backbone's pass over a batch: its stages, what is done to features between them, and which of
// them the decoder reads.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "model/resnet.h"
#include "tensor/pixel_set.h"

namespace cdfss {

// What is done to the features of some backbone stages, 0..3, before the next stage: by default
// nothing, to any.
class StageHook {
 public:
  using Function = std::function<at::Tensor(int stage, const at::Tensor& features)>;

  StageHook() = default;
  // `function` gets the whole batch's features [B, C, H, W] of each of `stages` and returns others
  // of the same shape.
  StageHook(std::vector<int> stages, Function function)
      : stages_(std::move(stages)), function_(std::move(function)) {}

  bool changes(int stage) const { return std::ranges::count(stages_, stage) > 0; }
  at::Tensor operator()(int stage, const at::Tensor& features) const {
    return changes(stage) ? function_(stage, features) : features;
  }

 private:
  std::vector<int> stages_;
  Function function_;
};

// Runs layer0 to layer3 of `encoder` on images [B, 3, S, S]: layer3 and layer2 features,
// concatenated in this order, [B, 1536, h, h]. On the CPU, a folded encoder takes a batch's images
// apart and runs each in one thread (image_threads.h), except where the hook needs them together.
at::Tensor encode(ResNet encoder, const at::Tensor& images, const StageHook& after_stage = {});
// The rest of it, from the features of `stage` (0 to 2) before after_stage.
at::Tensor encode_from(ResNet encoder, int stage, const at::Tensor& features,
                       const StageHook& after_stage = {});

// encode() for these pixels only, as strips [n, 1536, 1, pixels.strip()]. `encoder` must be
// folded, and after_stage must leave stage 3 alone.
at::Tensor encode_in(const PixelSet& pixels, ResNet encoder, const at::Tensor& images,
                     const StageHook& after_stage = {});
// encode_from() for these pixels only.
at::Tensor encode_from_in(const PixelSet& pixels, ResNet encoder, int stage,
                          const at::Tensor& features, const StageHook& after_stage = {});

}  // namespace cdfss
