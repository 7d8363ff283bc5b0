#include "model/channel_dropout.h"

#include <ATen/ATen.h>

namespace cdfss {

at::Tensor ChannelDropoutImpl::forward(const at::Tensor& x) {
  const at::Tensor factors = masks(x.size(0), x.size(1), x.options());
  return factors.defined() ? x * factors : x;
}

at::Tensor ChannelDropoutImpl::masks(std::int64_t rows, std::int64_t channels,
                                     const at::TensorOptions& options) {
  if (!is_training() || share_ == 0) return {};
  const double kept = 1 - share_;
  return at::empty({rows * shard_.count, channels, 1, 1},
                   options.requires_grad(false).memory_format(at::MemoryFormat::Contiguous))
      .bernoulli_(kept)
      .div_(kept)
      .narrow(0, rows * shard_.index, rows);
}

}  // namespace cdfss
