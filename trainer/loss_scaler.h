// Dynamic loss scaling: keeps small gradients representable in float16.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

namespace cdfss {

// The loss is multiplied by the scale, 65536 at first, before its gradient is taken. Gradients that
// overflow halve the scale; 2000 steps in a row without double it (Micikevicius et al., ICLR 2018).
class LossScaler {
 public:
  explicit LossScaler(at::Device device);

  at::Tensor scaled(const at::Tensor& loss) const;
  // Divides the gradients of a scaled loss by the scale, in place, and adapts it. False when one of
  // them is not finite: they are of no use then.
  bool unscale(const std::vector<at::Tensor>& gradients);
  double scale() const { return scale_.item<double>(); }

  // "loss_scaler.scale" float32 [1], "loss_scaler.good_steps" int64 [1].
  std::map<std::string, at::Tensor> state() const;
  // Goes on from such a state. Throws Error(kBadModel) naming `source` and what is missing, has
  // another shape or type, or is no scale.
  void set_state(const std::map<std::string, at::Tensor>& state, const std::string& source);

 private:
  at::Tensor scale_;       // float32 [1]
  at::Tensor good_steps_;  // int32 [1], since the scale changed
};

// Whether an entry of an optimiser's state is the scaler's.
inline bool is_loss_scaler_state(const std::string& name) {
  return name.starts_with("loss_scaler.");
}

}  // namespace cdfss
