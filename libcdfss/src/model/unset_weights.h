// Convolutions of a network that gets its weights from a file. LibTorch's constructor draws random
// ones, which is nearly all of the time that loading a network would take.
#pragma once

#include <ATen/ATen.h>
#include <torch/nn/modules/conv.h>

#include <memory>

namespace cdfss {

// While one lives, make_convolution() leaves weights and biases unset in this thread.
class UnsetWeights {
 public:
  UnsetWeights() : before_(wanted_) { wanted_ = true; }
  ~UnsetWeights() { wanted_ = before_; }
  UnsetWeights(const UnsetWeights&) = delete;
  UnsetWeights& operator=(const UnsetWeights&) = delete;

  static bool wanted() { return wanted_; }

 private:
  static inline thread_local bool wanted_ = false;
  bool before_;
};

// A convolution of one group. Impl: torch::nn::Conv2dImpl, or a class derived from it that is made
// of the same options.
template <typename Impl = torch::nn::Conv2dImpl>
std::shared_ptr<Impl> make_convolution(const torch::nn::Conv2dOptions& options) {
  if (!UnsetWeights::wanted()) return std::make_shared<Impl>(options);
  torch::nn::Conv2dOptions smallest = options;
  const auto convolution = std::make_shared<Impl>(smallest.in_channels(1).out_channels(1));
  const auto in = options.in_channels(), out = options.out_channels();
  const auto& kernel = *options.kernel_size();
  convolution->options.in_channels(in).out_channels(out);
  convolution->weight.set_data(at::empty({out, in, kernel[0], kernel[1]}));
  if (options.bias()) convolution->bias.set_data(at::empty({out}));
  return convolution;
}

}  // namespace cdfss
