#include "tensor/image_tensor.h"

#include <ATen/ATen.h>

#include "cdfss/luma_weights.h"

namespace cdfss {
namespace {

// Rows of an image plane as a tensor [height, width, channels], without copying.
at::Tensor plane(const ImageView& image, int index, int width, int height, int channels) {
  // from_blob takes a mutable pointer; nothing here writes through it.
  auto* data = const_cast<std::uint8_t*>(image.planes[index]);
  return at::from_blob(data, {height, width, channels}, {image.strides[index], channels, 1},
                       at::TensorOptions().dtype(at::kByte));
}

// luma [H, W, 1], chroma [ceil(H/2), ceil(W/2), 2] -> RGB. Each chroma sample covers 2 x 2 pixels.
at::Tensor yuv_to_rgb(const ImageView& image, const at::Tensor& luma, const at::Tensor& chroma) {
  const at::Tensor full = chroma.repeat_interleave(2, 0)
                              .repeat_interleave(2, 1)
                              .slice(0, 0, image.height)
                              .slice(1, 0, image.width)
                              .to(at::kFloat);
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

}  // namespace

at::Tensor to_rgb_tensor(const ImageView& image) {
  validate(image);
  const int chroma_width = (image.width + 1) / 2;
  const int chroma_height = (image.height + 1) / 2;
  switch (image.format) {
    case PixelFormat::kNv12:
      return yuv_to_rgb(image, plane(image, 0, image.width, image.height, 1),
                        plane(image, 1, chroma_width, chroma_height, 2));
    case PixelFormat::kI420:
      return yuv_to_rgb(image, plane(image, 0, image.width, image.height, 1),
                        at::cat({plane(image, 1, chroma_width, chroma_height, 1),
                                 plane(image, 2, chroma_width, chroma_height, 1)},
                                2));
    default:
      break;
  }
  const at::Tensor packed = plane(image, 0, image.width, image.height, bytes_per_pixel(image.format));
  const bool blue_first = image.format == PixelFormat::kBgr || image.format == PixelFormat::kBgrx ||
                          image.format == PixelFormat::kBgra;
  const at::Tensor colours = packed.narrow(2, 0, 3);
  return blue_first ? colours.flip(2) : colours.clone(at::MemoryFormat::Contiguous);
}

at::Tensor normalise(const at::Tensor& rgb) {
  const auto options = at::TensorOptions().dtype(at::kFloat).device(rgb.device());
  const at::Tensor mean = at::tensor({0.485, 0.456, 0.406}, options).mul_(255).view({1, 3, 1, 1});
  const at::Tensor std = at::tensor({0.229, 0.224, 0.225}, options).mul_(255).view({1, 3, 1, 1});
  return (rgb.permute({0, 3, 1, 2}).to(at::kFloat) - mean) / std;
}

at::Tensor network_input(const at::Tensor& rgb, int side) {
  const at::Tensor planes = rgb.unsqueeze(0).permute({0, 3, 1, 2}).to(at::kFloat);
  const at::Tensor resized =
      at::upsample_bilinear2d(planes, {side, side}, /*align_corners=*/false);
  return normalise(resized.permute({0, 2, 3, 1}));
}

at::Tensor resize_align_corners(const at::Tensor& x, int height, int width) {
  if (x.size(2) == height && x.size(3) == width) return x;
  return at::upsample_bilinear2d(x, {height, width}, /*align_corners=*/true);
}

}  // namespace cdfss
