// oneDNN chooses the layout of a weight by the image's size, and would convert a weight of another
// layout for every image. So the weight is packed when a size is first met, and kept only so.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace cdfss {

class PackedWeight {
 public:
  // `pack` makes of the plain weight the one for images of `x`'s height and width.
  using Pack = std::function<at::Tensor(const at::Tensor& plain, const at::Tensor& x)>;
  PackedWeight(at::Tensor plain, Pack pack) : plain_(std::move(plain)), pack_(std::move(pack)) {}

  // The weight for images of x's height and width, [B, in, H, W]. Any thread.
  at::Tensor for_image(const at::Tensor& x);

 private:
  struct Packed {
    std::int64_t height, width;
    at::Tensor weight;
  };
  std::mutex lock_;
  at::Tensor plain_;  // undefined once there is a packed one
  Pack pack_;
  std::vector<Packed> packed_;  // oldest first
};

}  // namespace cdfss
