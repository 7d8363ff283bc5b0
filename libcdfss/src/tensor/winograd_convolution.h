// A 3 x 3 convolution with ReLU for training on the CPU, in fewer products than the direct sum.
#pragma once

#include <ATen/core/Tensor.h>

namespace cdfss {

// relu(conv2d(x, weight)) with stride 1, padding 1 and no bias: x [B, C, H, W] of any float dtype,
// weight float32 [K, C, 3, 3] -> [B, K, H, W], with gradients of both. In bfloat16 where x is or
// autocast asks for it: products of bfloat16 values, as conv2d has.
//
// On the CPU, where gradients are recorded, images of enough pixels go through Winograd's minimal
// filtering (winograd_tiles.h) forward and backward: rounding errors are then about 2e-6 of the
// values' root mean square in float32, and 4e-3 in bfloat16, where conv2d's own are 2e-3. All else
// is conv2d itself.
at::Tensor conv3x3_relu(const at::Tensor& x, const at::Tensor& weight);

}  // namespace cdfss
