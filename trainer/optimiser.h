// The optimisers of meta-training and their learning-rate schedules (SPEC A10, B7, B17).
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "loss_scaler.h"
#include "model/asgnet.h"

namespace cdfss {

enum class OptimiserKind { kSgd, kAdamW };
enum class Schedule { kPoly, kCosine };

struct OptimiserOptions {
  OptimiserKind kind = OptimiserKind::kSgd;
  Schedule schedule = Schedule::kPoly;
  double learning_rate = 0.0025;  // of the memory bank
  // The decoder and the reduction learn at learning_rate * scale: the released scheduler's factor.
  double scale = 10;
  double reduction_scale = 1;  // the reduction learns at the decoder's rate times this
  int warmup = 0;              // steps over which the rates rise linearly to the schedule's
  double backbone_learning_rate = 1e-5;
  double momentum = 0.9;       // SGD only
  double weight_decay = 1e-4;  // also of biases; never of the memory bank
  bool train_backbone = false;
  bool scale_loss = false;  // for float16
};

// Groups: decoder; reduction; scalars and the memory bank (not decayed); backbone, if trained.
// Freezes the backbone (requires_grad) otherwise.
class Optimiser {
 public:
  Optimiser(Asgnet& network, const OptimiserOptions& options);
  ~Optimiser();

  // Learning rates of step `step` (from 1) of `steps`: poly (1 - step/steps)^0.9, cosine
  // (1 + cos(pi step/steps)) / 2; times step / warmup while that is below 1.
  void set_step(int step, int steps);
  void zero_grad();
  // What to take the gradient of in the place of `loss`.
  at::Tensor scaled(const at::Tensor& loss) const;
  // False when the gradients overflowed with a scaled loss: the step was left out then.
  bool step();
  double loss_scale() const { return scaler_ ? scaler_->scale() : 1; }
  // Of the decoder, as last set.
  double learning_rate() const { return decoder_rate_; }

  // What it remembers of the steps so far, sharing memory: "<parameter>.momentum" for SGD,
  // "<parameter>.exp_avg", ".exp_avg_sq" and ".step" (int64 scalar) for AdamW. Parameters that had
  // no gradient yet have none. With scale_loss also LossScaler::state().
  std::map<std::string, at::Tensor> state() const;
  // Goes on from such a state, copied. Throws Error(kBadModel) naming `source` and the tensor that
  // does not fit; nothing has changed then.
  void set_state(const std::map<std::string, at::Tensor>& state, const std::string& source);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  OptimiserOptions options_;
  std::optional<LossScaler> scaler_;
  double decoder_rate_ = 0;
};

}  // namespace cdfss
