// A network made ready for frames: the function of Asgnet, for inference only.
#pragma once

#include <optional>

#include "model/asgnet.h"
#include "model/frame_decoder.h"
#include "model/quantised_encoder.h"

namespace cdfss {

class FrameNetwork {
 public:
  // Takes the network, which must be on its device; nobody else may use it any more. Computes in
  // `dtype`; if `quantised`, the convolutions of layer2, layer3, the reduction and the decoder,
  // which are nine tenths of the work, are in 8 bits (QuantisedConvolution::available()).
  FrameNetwork(Asgnet network, at::ScalarType dtype, bool quantised = false);

  // What features() and logits() of a quantised network want: empty, to be learnt from a few
  // images.
  ActivationRanges unknown_ranges() const { return ActivationRanges(places_); }

  // Reduced features [B, 256, h, h] of frame_input()s [B, 3, S, S]. With `pick`, each memory
  // restyles the features of its layer. `ranges` is read, or learnt, by a quantised network only.
  // Any thread.
  at::Tensor features(const at::Tensor& images, std::optional<Pick> pick,
                      ActivationRanges* ranges = nullptr);
  // The feature reduction (SPEC A2): layer3 [B, 1024, h, h] and layer2 [B, 512, h, h]. Not of a
  // quantised network.
  at::Tensor reduce(const at::Tensor& layer3, const at::Tensor& layer2) const;
  // [B, 3, S, S] as the first stage wants it.
  at::Tensor prepared(const at::Tensor& images) const;

  Asgnet& network() { return network_; }
  const FrameDecoder& decoder() const { return decoder_; }
  // Null if the network is not quantised.
  const QuantisedEncoder* quantised_encoder() const { return quantised_ ? &*quantised_ : nullptr; }

 private:
  at::Tensor quantised_features(at::Tensor x, std::optional<Pick> pick, ActivationRanges& ranges);

  Asgnet network_;
  at::ScalarType dtype_;
  int places_ = 0;
  FrameDecoder decoder_;
  std::optional<QuantisedEncoder> quantised_;
  std::optional<FusedConvolution> reduce_layer3_, reduce_layer2_;  // none if quantised
};

}  // namespace cdfss
