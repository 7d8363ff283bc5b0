#include "tensor/image_tensor.h"

#include <ATen/ATen.h>

#include "cdfss/luma_weights.h"
#include "tensor/pixel_scale.h"

namespace cdfss {
namespace {

// Rows of an image plane as a tensor [height, width, channels], without copying.
at::Tensor plane(const ImageView& image, int index, int width, int height, int channels) {
  // from_blob takes a mutable pointer; nothing here writes through it.
  auto* data = const_cast<std::uint8_t*>(image.planes[index]);
  return at::from_blob(data, {height, width, channels}, {image.strides[index], channels, 1},
                       at::TensorOptions().dtype(at::kByte));
}

// luma [H, W, 1], chroma [H, W, 2] -> RGB.
at::Tensor yuv_to_rgb(const ImageView& image, const at::Tensor& luma, const at::Tensor& chroma) {
  const at::Tensor full = chroma.to(at::kFloat);
  const double luma_scale = image.full_range ? 1.0 : 255.0 / 219.0;
  const double chroma_scale = image.full_range ? 1.0 : 255.0 / 224.0;
  const at::Tensor y =
      (luma.squeeze(2).to(at::kFloat) - (image.full_range ? 0.0 : 16.0)) * luma_scale;
  const at::Tensor cb = (full.select(2, 0) - 128.0) * chroma_scale;
  const at::Tensor cr = (full.select(2, 1) - 128.0) * chroma_scale;
  const auto [kr, kb] = luma_weights(image.matrix);
  const double kg = 1.0 - kr - kb;
  const at::Tensor r = y + cr * (2.0 * (1.0 - kr));
  const at::Tensor b = y + cb * (2.0 * (1.0 - kb));
  const at::Tensor g = (y - r * kr - b * kb) / kg;
  return at::stack({r, g, b}, 2).round_().clamp_(0, 255).to(at::kByte);
}

// The pixels at these rows and columns (both long, one-dimensional), uint8 [rows, columns,
// channels].
at::Tensor at_crossings(const at::Tensor& plane, const at::Tensor& rows,
                        const at::Tensor& columns) {
  return plane.index_select(0, rows).index_select(1, columns);
}

// The image's pixels at these rows and columns in RGB, uint8 [rows, columns, 3]. Each chroma sample
// covers 2 x 2 pixels.
at::Tensor rgb_at(const ImageView& image, const at::Tensor& rows, const at::Tensor& columns) {
  const int step = bytes_per_pixel(image.format);
  if (step == 0) {
    const int width = (image.width + 1) / 2, height = (image.height + 1) / 2;
    const at::Tensor chroma_rows = rows.bitwise_right_shift(1);
    const at::Tensor chroma_columns = columns.bitwise_right_shift(1);
    const auto chroma = [&](int index, int channels) {
      return at_crossings(plane(image, index, width, height, channels), chroma_rows,
                          chroma_columns);
    };
    const at::Tensor luma =
        at_crossings(plane(image, 0, image.width, image.height, 1), rows, columns);
    return yuv_to_rgb(image, luma,
                      image.format == PixelFormat::kNv12
                          ? chroma(1, 2)
                          : at::cat({chroma(1, 1), chroma(2, 1)}, 2));
  }
  const at::Tensor colours =
      at_crossings(plane(image, 0, image.width, image.height, step), rows, columns).narrow(2, 0, 3);
  return blue_first(image.format) ? colours.flip(2) : colours.contiguous();
}

}  // namespace

at::Tensor to_rgb_tensor(const ImageView& image) {
  validate(image);
  return rgb_at(image, at::arange(image.height, at::kLong), at::arange(image.width, at::kLong));
}

at::Tensor normalise(const at::Tensor& rgb) {
  const auto options = at::TensorOptions().dtype(at::kFloat).device(rgb.device());
  const at::Tensor mean = at::tensor({0.485, 0.456, 0.406}, options).mul_(255).view({1, 3, 1, 1});
  const at::Tensor std = at::tensor({0.229, 0.224, 0.225}, options).mul_(255).view({1, 3, 1, 1});
  return (rgb.permute({0, 3, 1, 2}).to(at::kFloat) - mean) / std;
}

at::Tensor resize_align_corners(const at::Tensor& x, int height, int width) {
  if (x.size(2) == height && x.size(3) == width) return x;
  return at::upsample_bilinear2d(x, {height, width}, /*align_corners=*/true);
}

}  // namespace cdfss
