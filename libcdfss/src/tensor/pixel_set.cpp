#include "tensor/pixel_set.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "tensor/matrix_product.h"

namespace cdfss {
namespace {

// [.., C, .., ..] -> a row a pixel, without copying if channels-last.
at::Tensor rows_of(const at::Tensor& images) { return images.permute({0, 2, 3, 1}).flatten(0, 2); }

// oneDNN packs weights for images of one size, which has to be long enough to be fast; a matrix
// product takes any number of pixels, so that few are computed in vain.
std::int64_t strip_of(at::TensorOptions features) {
  const bool any_number =
      c10::typeMetaToScalarType(features.dtype()) == at::kFloat && multiplies_matrices_faster();
  return any_number ? 16 : 128;
}

}  // namespace

PixelSet::PixelSet(const at::Tensor& mask, at::TensorOptions features)
    : features_(features), strip_(strip_of(features)), mask_(mask.contiguous()) {
  const at::Tensor pixels = mask_.flatten().nonzero().flatten();
  const std::int64_t count = pixels.size(0);
  const std::int64_t strips = std::max<std::int64_t>(1, (count + strip_ - 1) / strip_);
  pixels_ = pixels.to(features.device());
  filled_ = at::constant_pad_nd(pixels, {0, strips * strip_ - count}).to(features.device());
}

at::Tensor PixelSet::as_strips(const at::Tensor& rows) const {
  return rows.view({-1, 1, strip_, rows.size(1)}).permute({0, 3, 1, 2});
}

double PixelSet::share() const {
  return static_cast<double>(pixels_.size(0)) / static_cast<double>(mask_.numel());
}

PixelSet PixelSet::grown(int dilation) const {
  const at::Tensor padded = at::constant_pad_nd(mask_.to(at::kFloat).unsqueeze(1),
                                                {dilation, dilation, dilation, dilation});
  const at::Tensor largest = at::max_pool2d(padded, 3, 1, 0, dilation);
  return {largest.squeeze(1).gt(0), features_};
}

PixelSet PixelSet::of_image(std::int64_t index) const {
  return {mask_.narrow(0, index, 1), features_};
}

at::Tensor PixelSet::strips_of(const at::Tensor& images) const {
  return as_strips(rows_of(images).index_select(0, filled_));
}

at::Tensor PixelSet::strips_of(const at::Tensor& strips, const PixelSet& other) const {
  at::Tensor places = at::zeros({mask_.numel()}, filled_.options());
  places.index_copy_(0, other.pixels_, at::arange(other.pixels_.size(0), filled_.options()));
  return as_strips(rows_of(strips).index_select(0, places.index_select(0, filled_)));
}

at::Tensor PixelSet::joined(const std::vector<at::Tensor>& strips) const {
  const at::Tensor all =
      at::zeros({filled_.size(0), strips.front().size(1)}, strips.front().options());
  std::int64_t begin = 0;
  const std::vector<std::int64_t> counts = sizes();
  for (std::size_t i = 0; i < counts.size(); begin += counts[i++]) {
    all.narrow(0, begin, counts[i]).copy_(rows_of(strips[i]).narrow(0, 0, counts[i]));
  }
  return as_strips(all);
}

at::Tensor PixelSet::images_of(const at::Tensor& strips) const {
  const at::Tensor rows = rows_of(strips).narrow(0, 0, pixels_.size(0));
  return at::zeros({mask_.numel(), rows.size(1)}, rows.options().requires_grad(false))
      .index_copy_(0, pixels_, rows)
      .view({mask_.size(0), mask_.size(1), mask_.size(2), -1})
      .permute({0, 3, 1, 2});
}

std::vector<std::int64_t> PixelSet::sizes() const {
  const at::Tensor counts = mask_.flatten(1).sum(1);
  return {counts.const_data_ptr<std::int64_t>(),
          counts.const_data_ptr<std::int64_t>() + counts.numel()};
}

at::Tensor PixelSet::sums_of(const at::Tensor& strips) const {
  std::vector<at::Tensor> sums;
  for (const at::Tensor& of_image :
       rows_of(strips).narrow(0, 0, pixels_.size(0)).split_with_sizes(sizes())) {
    sums.push_back(of_image.sum(0, /*keepdim=*/false, at::kFloat));
  }
  return at::stack(sums);
}

at::Tensor PixelSet::counts() const {
  return mask_.flatten(1).sum(1).to(pixels_.device(), at::kFloat);
}

}  // namespace cdfss
