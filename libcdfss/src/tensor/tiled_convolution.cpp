#include "tensor/tiled_convolution.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "tensor/winograd_planes.h"
#include "tensor/winograd_tiling.h"

namespace cdfss {
namespace {

// The transforms' cost goes with the channels, the products' with their square. In bfloat16, 64
// channels are a little faster this way, too, but rounding errors in the first layers cost masks
// more than those in later ones: one of int8's had an IoU of .967 with fp32's, too little.
constexpr std::int64_t kFewestChannels = 64;
constexpr std::int64_t kFewestChannelsBf16 = 128;

// At a time: the planes stay in the caches, and there is enough work for each kernel that is read.
constexpr std::int64_t kMostTiles = 144;

FusedConvolution grouped_products(const at::Tensor& weight, at::ScalarType dtype) {
  const at::Tensor kernels = weight.to(at::kFloat).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor planes = to_planes(kernels, TileInput::kKernel, dtype);  // [P, K, C]
  return {planes.flatten(0, 1).unsqueeze(2).unsqueeze(3),
          {},
          dtype,
          {.groups = static_cast<int>(planes.size(0))}};
}

}  // namespace

bool TiledConvolution::is_faster(const at::Tensor& weight, at::ScalarType dtype,
                                 const ConvolutionGeometry& geometry) {
  const std::int64_t out = weight.size(0), in = weight.size(1);
  const std::int64_t fewest = dtype == at::kFloat ? kFewestChannels : kFewestChannelsBf16;
  return (dtype == at::kFloat || dtype == at::kBFloat16) && weight.size(2) == 3 &&
         weight.size(3) == 3 && geometry.stride == 1 && geometry.padding == geometry.dilation &&
         geometry.groups == 1 && in % kTileChannels == 0 && out % kTileChannels == 0 &&
         std::min(in, out) >= fewest;
}

TiledConvolution::TiledConvolution(const at::Tensor& weight, const at::Tensor& bias,
                                   at::ScalarType dtype, const ConvolutionGeometry& geometry)
    : bias_(bias.defined() ? bias.detach().to(at::kFloat).contiguous() : at::Tensor()),
      dilation_(geometry.dilation),
      out_(weight.size(0)) {
  if (keeps_panels(dtype)) {
    kernels_ = PlaneFactors::of_kernels(weight.detach().to(at::kFloat), dtype);
  } else {
    grouped_ = grouped_products(weight.detach(), dtype);
  }
}

at::Tensor TiledConvolution::apply(const at::Tensor& x, bool relu) const {
  const at::Tensor images = x.contiguous(at::MemoryFormat::ChannelsLast);
  return apply_to({0, image_tiles(images, images.scalar_type(), dilation_)}, images, relu);
}

at::Tensor TiledConvolution::apply_in(const at::Tensor& mask, const at::Tensor& x,
                                      bool relu) const {
  const at::Tensor images = x.contiguous(at::MemoryFormat::ChannelsLast);
  const std::vector<std::int64_t> tiles =
      tiles_in(mask.contiguous(), images.scalar_type(), dilation_);
  return apply_to({0, static_cast<std::int64_t>(tiles.size()), tiles.data()}, images, relu);
}

at::Tensor TiledConvolution::apply_to(TileRange tiles, const at::Tensor& images, bool relu) const {
  const at::Tensor y = at::empty({images.size(0), out_, images.size(2), images.size(3)},
                                 images.options().memory_format(at::MemoryFormat::ChannelsLast));
  if (tiles.count == 0) return y;
  const TileFinish finish{bias_.defined() ? bias_.const_data_ptr<float>() : nullptr, relu};
  // Whatever the batch, since weights are packed for a block's size.
  const std::int64_t of_one = image_tiles(images, images.scalar_type(), dilation_) / images.size(0);
  const std::int64_t block = parts(of_one, parts(of_one, kMostTiles));
  for (std::int64_t first = 0; first < tiles.count; first += block) {
    const TileRange range{first, std::min(block, tiles.count - first), tiles.list};
    planes_to_image(products(images, range, block), dilation_, range, finish, y);
  }
  return y;
}

at::Tensor TiledConvolution::products(const at::Tensor& images, TileRange range,
                                      std::int64_t block) const {
  const std::int64_t channels = images.size(1);
  if (kernels_) {
    const at::Tensor planes = empty_planes(range.count, channels, at::kFloat);
    image_to_planes(images, dilation_, range, planes);
    return kernels_->products(planes);
  }
  // A tile's planes beside each other: an image of one column and planes * C channels. What a short
  // block's planes hold behind it is computed in vain.
  const std::int64_t count = tile_planes(winograd_tile(images.scalar_type()));
  const at::Tensor planes = at::empty({block, count, channels},
                                      images.options().memory_format(at::MemoryFormat::Contiguous));
  image_to_planes(images, dilation_, range, planes.transpose(0, 1));
  const at::Tensor image = planes.view({1, block, 1, -1}).permute({0, 3, 1, 2});
  const at::Tensor made = grouped_->apply(image, /*relu=*/false);
  return made.permute({0, 2, 3, 1}).view({block, count, out_}).transpose(0, 1);
}

}  // namespace cdfss
