// What paper Table 4 puts in the memory's place: MixStyle and MixUp on a batch of support images.
#pragma once

#include <ATen/core/Tensor.h>

namespace cdfss {

// MixStyle (Zhou et al., ICLR 2021): with probability 1/2, every instance of features [B, C, H, W]
// takes a style between its own and that of another instance, with a weight from Beta(0.1, 0.1).
// Gradient as restyle(). Draws from the default generator.
at::Tensor mix_style(const at::Tensor& features);

// MixUp (Zhang et al., ICLR 2018) of inputs [B, ...], float: every instance is blended with
// another, with a weight from Beta(0.1, 0.1). The paper does not say what becomes of the labels in
// few-shot segmentation; here each instance keeps the larger share and its own label.
at::Tensor mix_up(const at::Tensor& inputs);

}  // namespace cdfss
