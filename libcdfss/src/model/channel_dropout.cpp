#include "model/channel_dropout.h"

#include <ATen/ATen.h>

#include <optional>

namespace cdfss {
namespace {

thread_local DropoutOfPart* this_part = nullptr;

}  // namespace

DropoutOfPart::Scope::Scope(DropoutOfPart& part) { this_part = &part; }
DropoutOfPart::Scope::~Scope() { this_part = nullptr; }

at::Tensor ChannelDropoutImpl::forward(const at::Tensor& x) {
  const at::Tensor factors = masks(x.size(0), x.size(1), x.options());
  return factors.defined() ? x * factors : x;
}

at::Tensor ChannelDropoutImpl::masks(std::int64_t rows, std::int64_t channels,
                                     const at::TensorOptions& options) {
  if (!is_training() || share_ == 0) return {};
  const double kept = 1 - share_;
  BatchShard shard = shard_;
  std::optional<at::Generator> generator;  // the default one
  if (this_part != nullptr) {
    const BatchShard& part = this_part->part_;
    shard = {shard.index * part.count + part.index, shard.count * part.count};
    generator = this_part->generator_;
  }
  return at::empty({rows * shard.count, channels, 1, 1},
                   options.requires_grad(false).memory_format(at::MemoryFormat::Contiguous))
      .bernoulli_(kept, generator)
      .div_(kept)
      .narrow(0, rows * shard.index, rows);
}

}  // namespace cdfss
