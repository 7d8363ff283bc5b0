// Images of a training batch as reduced features: restyled, mixed, or as they are.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include "episode_batch.h"
#include "model/asgnet.h"

namespace cdfss {

// What makes the features of one image look like those of another domain (paper Table 4).
enum class StyleShift {
  kMemory,    // the network's meta-memories (or their noise, MemoryLookup)
  kMixStyle,  // styles of the batch, after the stages `mixing_layers`
  kMixUp,     // blended images
};

struct EncoderOptions {
  StyleShift style_shift = StyleShift::kMemory;
  std::vector<int> mixing_layers;  // of kMixStyle: stages 0..3, ascending
  bool train_backbone = false;
  bool train_batch_norm = false;  // backbone BatchNorm on batch statistics (SPEC A1), not B19
  c10::ScalarType precision = c10::kFloat;  // of convolutions; or kBFloat16, kHalf
};

// A frozen backbone runs without autograd, with its BatchNorm folded in; it is copied at the first
// call, so the network must have its weights by then.
class TrainingEncoder {
 public:
  TrainingEncoder(Asgnet network, EncoderOptions options);

  // How a pass over a batch's images differs from a plain one.
  struct Pass {
    bool shifted = false;                  // in another style
    bool with_gradient = true;             // of the features
    std::vector<Style>* styles = nullptr;  // receives what the memories see, a Style a layer
  };
  // R rows of a batch to float32 reduced features [R, 256, h, h] with dropout. A pass in another
  // style or with `styles` takes no rows that are encoded wholly; MixUp and MixStyle only images.
  at::Tensor reduced(const at::Tensor& rows, Encoded encoded, const Pass& pass);
  // The same of the pixels of `mask`, bool [R, h, w] on the CPU, and their averages, which have
  // gradient in any case. Without `with_features`, the averages alone.
  ReducedPixels reduced_in(const at::Tensor& mask, const at::Tensor& rows, Encoded encoded,
                           const Pass& pass, bool with_features);

 private:
  bool folds() const { return !options_.train_backbone && !options_.train_batch_norm; }
  at::Tensor backbone_features(const at::Tensor& rows, Encoded encoded, const Pass& pass);
  at::Tensor backbone_strips(const PixelSet& pixels, const at::Tensor& rows, Encoded encoded,
                             const Pass& pass);
  // Whether the backbone's last stage can be computed for some pixels without the others.
  bool last_stage_is_local(const at::Device& device) const;
  at::Tensor images_to_input(const at::Tensor& images, const Pass& pass);
  StageHook hook(const Pass& pass);
  ResNet encoder();

  Asgnet network_;
  EncoderOptions options_;
  ResNet folded_{nullptr};
};

// Backbone features [R, 1536, h, h] of R rows of a batch, on the network's device, with its own
// backbone and without a memory.
at::Tensor plain_features(Asgnet& network, const at::Tensor& rows, Encoded encoded);

}  // namespace cdfss
