// Some pixels of a batch of images, to compute features there only.
//
// Their features are strips: images of one row of strip() pixels, [n, C, 1, strip()],
// channels-last, so that a 1 x 1 convolution takes them as it takes whole images. Pixels follow
// each other in order; behind the last, values are arbitrary but finite where the images' are.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace cdfss {

class PixelSet {
 public:
  // mask bool [B, h, w] on the CPU: true for the pixels of the set. `features` says on which device
  // they are and of which dtype, which decides strip().
  PixelSet(const at::Tensor& mask, at::TensorOptions features);

  std::int64_t strip() const { return strip_; }  // pixels of a strip: 16 or 128
  const at::Tensor& mask() const { return mask_; }
  double share() const;  // of all pixels of the images, 0 to 1
  // With all pixels that a 3 x 3 convolution of this dilation reads for those of the set.
  PixelSet grown(int dilation) const;

  // Those of image `index`, 0 to B - 1.
  PixelSet of_image(std::int64_t index) const;

  // Features [B, C, h, w] of images -> strips.
  at::Tensor strips_of(const at::Tensor& images) const;
  // Strips of another set, which has all pixels of this one -> strips.
  at::Tensor strips_of(const at::Tensor& strips, const PixelSet& other) const;
  // The strips of each image's pixels (of_image()) -> strips of all.
  at::Tensor joined(const std::vector<at::Tensor>& strips) const;
  // Strips -> images [B, C, h, w], channels-last, 0 outside of the set.
  at::Tensor images_of(const at::Tensor& strips) const;
  // Strips -> the sum of each image's pixels, float [B, C].
  at::Tensor sums_of(const at::Tensor& strips) const;
  // Pixels of each image, float [B].
  at::Tensor counts() const;

 private:
  std::vector<std::int64_t> sizes() const;  // pixels of each image
  at::Tensor as_strips(const at::Tensor& rows) const;

  at::TensorOptions features_;
  std::int64_t strip_;
  at::Tensor mask_;
  at::Tensor pixels_;  // int64 [count], ascending, of all B h w
  at::Tensor filled_;  // the same, to the end of the last strip
};

}  // namespace cdfss
