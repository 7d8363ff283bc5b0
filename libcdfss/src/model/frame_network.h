// A network made ready for frames: the function of Asgnet, for inference only.
#pragma once

#include <optional>

#include "model/asgnet.h"
#include "model/frame_decoder.h"

namespace cdfss {

class FrameNetwork {
 public:
  // Takes the network, which must be on its device; nobody else may use it any more.
  FrameNetwork(Asgnet network, at::ScalarType dtype);

  // Reduced features [B, 256, h, h] of frame_input()s [B, 3, S, S]. With `pick`, each memory
  // restyles the features of its layer. Any thread.
  at::Tensor features(const at::Tensor& images, std::optional<Pick> pick);
  // The feature reduction (SPEC A2): layer3 [B, 1024, h, h] and layer2 [B, 512, h, h].
  at::Tensor reduce(const at::Tensor& layer3, const at::Tensor& layer2) const;
  // [B, 3, S, S] as the first stage wants it.
  at::Tensor prepared(const at::Tensor& images) const;

  Asgnet& network() { return network_; }
  const FrameDecoder& decoder() const { return decoder_; }

 private:
  Asgnet network_;
  at::ScalarType dtype_;
  FrameDecoder decoder_;
  std::optional<FusedConvolution> reduce_layer3_, reduce_layer2_;
};

}  // namespace cdfss
