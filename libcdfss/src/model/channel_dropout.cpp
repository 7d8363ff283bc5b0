#include "model/channel_dropout.h"

#include <ATen/ATen.h>

namespace cdfss {

at::Tensor ChannelDropoutImpl::forward(const at::Tensor& x) {
  if (!is_training() || share_ == 0) return x;
  const std::int64_t rows = x.size(0);
  const double kept = 1 - share_;
  const at::Tensor masks =
      at::empty({rows * shard_.count, x.size(1), 1, 1},
                x.options().requires_grad(false).memory_format(at::MemoryFormat::Contiguous))
          .bernoulli_(kept)
          .div_(kept);
  return x * masks.narrow(0, rows * shard_.index, rows);
}

}  // namespace cdfss
