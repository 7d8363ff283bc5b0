// The decoder's part of a training step: from what it reads to the losses, and back.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "model/asgnet.h"
#include "optimiser.h"

namespace cdfss {

// What the decoder made of a batch.
struct DecodedBatch {
  at::Tensor segmentation, auxiliary;  // losses, scalars without gradient
  // Tensors that the decoder read, each with the gradient that it has from the decoder: roots of
  // the backward pass through what they were made of.
  std::vector<at::Tensor> read, gradients;
};

class DecoderPass {
 public:
  // Convolutions run in `precision`: kFloat, kBFloat16 or kHalf.
  DecoderPass(Asgnet network, c10::ScalarType precision, double foreground_weight);

  // query float [B, 256, h, w]; prototypes[i] of episode i; labels int64 [B, S, S] of 0, 1, 255;
  // losses are sums over `total_weight`, a scalar above 0 (segmentation.h). Adds the gradient of
  // the sum of both losses, scaled by the optimiser, to the decoder's parameters'. On the CPU,
  // threads that share the batch evenly take whole episodes each: sums over episodes are rounded
  // in another order than by one thread, and the dropout is the same.
  DecodedBatch run(const at::Tensor& query, const std::vector<Prototypes>& prototypes,
                   const at::Tensor& labels, const at::Tensor& total_weight,
                   const Optimiser& optimiser);

 private:
  struct Part;
  void run_part(Part& part, const at::Tensor& total_weight, const Optimiser& optimiser);
  void add_gradients(const std::vector<Part>& parts);

  Asgnet network_;
  c10::ScalarType precision_;
  double foreground_weight_;
};

}  // namespace cdfss
