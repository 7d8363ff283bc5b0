// Between dataset images and the network's tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <opencv2/core/mat.hpp>

#include "data/augmentation.h"

namespace cdfss {

// The bytes of an 8-bit image, copied: uint8 [H, W] for one channel, else [H, W, C].
at::Tensor to_tensor(const cv::Mat& image);

// Undoes fit() for the network's output: maps [1, C, h, w] of the square input to [1, C, H, W] of
// the original image. kPad resizes to a square of the image's longer side and cuts that, as SPEC
// A13.
at::Tensor to_image_size(const at::Tensor& maps, cv::Size size, Layout layout);

// [H, W] of any dtype and device -> CV_8UC1 with 1 where the value is non-zero.
cv::Mat to_binary_mask(const at::Tensor& condition);

}  // namespace cdfss
