// A 3 x 3 convolution for inference by Winograd's minimal filtering (winograd_tiles.h).
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "tensor/fused_convolution.h"
#include "tensor/winograd_products.h"
#include "tensor/winograd_tiles.h"

namespace cdfss {

class TiledConvolution {
 public:
  // Whether a convolution on the CPU is faster this way than as the direct sum, given an image of
  // many pixels; the constructor takes no other. `dtype` is what it computes in.
  static bool is_faster(const at::Tensor& weight, at::ScalarType dtype,
                        const ConvolutionGeometry& geometry);

  // weight of any float dtype [K, C, 3, 3]; bias of any float dtype [K], or undefined. Products are
  // of values of `dtype`.
  TiledConvolution(const at::Tensor& weight, const at::Tensor& bias, at::ScalarType dtype,
                   const ConvolutionGeometry& geometry);

  // conv(x), or relu(conv(x)): x of `dtype` [B, C, H, W] -> [B, K, H, W], channels-last. Rounding
  // errors are about 3e-6 of the values' root mean square in float32, where the direct sum's are
  // 8e-7, and 5e-3 in bfloat16, where those are 2.4e-3 (256 channels). Any thread.
  at::Tensor apply(const at::Tensor& x, bool relu) const;
  // The same where `mask`, bool [B, H, W] on the CPU, says so; elsewhere values are arbitrary.
  at::Tensor apply_in(const at::Tensor& mask, const at::Tensor& x, bool relu) const;

 private:
  // Of `count` tiles: all, or those listed.
  at::Tensor apply_to(TileRange tiles, const at::Tensor& images, bool relu) const;
  // The tiles of `range`, at most `block`, as planes of the result.
  at::Tensor products(const at::Tensor& images, TileRange range, std::int64_t block) const;

  at::Tensor bias_;  // float
  int dilation_;
  std::int64_t out_;
  // Either of these makes the products.
  std::optional<PlaneFactors> kernels_;
  std::optional<FusedConvolution> grouped_;  // one group a plane
};

}  // namespace cdfss
