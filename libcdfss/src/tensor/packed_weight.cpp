#include "tensor/packed_weight.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "tensor/tensor_lifetime.h"

namespace cdfss {
namespace {

constexpr std::size_t kMostSizes = 3;  // in use at the same time; another replaces the oldest

}  // namespace

at::Tensor PackedWeight::for_image(const at::Tensor& x) {
  const std::int64_t height = x.size(2), width = x.size(3);
  const std::lock_guard held(lock_);
  const auto known = std::find_if(packed_.begin(), packed_.end(), [&](const Packed& packed) {
    return packed.height == height && packed.width == width;
  });
  if (known != packed_.end()) return known->weight;
  const TensorLifetimeGuard kept(TensorLifetime::kLasting);
  const at::Tensor plain = packed_.empty() ? plain_ : packed_.back().weight.to_dense();
  const at::Tensor weight = pack_(plain.contiguous(), x);
  plain_.reset();
  if (packed_.size() == kMostSizes) packed_.erase(packed_.begin());
  packed_.push_back({height, width, weight});
  return weight;
}

}  // namespace cdfss
