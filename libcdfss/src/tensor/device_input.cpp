// The device gathers the four pixels around each of the network's, converts these and no others,
// and interpolates in the order of frame_input().
#include "tensor/device_input.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "tensor/parallel.h"
#include "tensor/pixel_scale.h"

namespace cdfss {
namespace {

constexpr std::int64_t kRowsPerTask = 64;

std::vector<int> both(const AxisTaps& taps) {
  std::vector<int> all(taps.first);
  all.insert(all.end(), taps.second.begin(), taps.second.end());
  return all;
}

std::vector<int> halved(std::vector<int> places) {
  for (int& place : places) place /= 2;
  return places;
}

std::vector<int> each_once(std::vector<int> places) {
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  return places;
}

// Where each of `wanted` is in `sorted`.
std::vector<int> places_in(const std::vector<int>& sorted, const std::vector<int>& wanted) {
  std::vector<int> places;
  for (const int value : wanted) {
    const auto found = std::lower_bound(sorted.begin(), sorted.end(), value);
    places.push_back(static_cast<int>(found - sorted.begin()));
  }
  return places;
}

// Rows of an image's plane, one behind the other.
void copy_rows(const ImageView& image, int plane, const std::vector<int>& rows, int row_bytes,
               std::uint8_t* to) {
  at::parallel_for(0, static_cast<std::int64_t>(rows.size()), kRowsPerTask,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t i = begin; i < end; ++i) {
                       std::memcpy(to + i * row_bytes,
                                   image.planes[plane] + rows[i] * image.strides[plane],
                                   static_cast<std::size_t>(row_bytes));
                     }
                   });
}

// Y', Cb and Cr as float [..., 3] -> R, G and B from 0 to 255, in the order of frame_input()'s
// operations.
at::Tensor to_rgb(const YuvScale& scale, const at::Tensor& yuv) {
  const at::Tensor light = (yuv.select(-1, 0) - scale.black) * scale.luma;
  const at::Tensor r = light + (yuv.select(-1, 2) - 128.0F) * scale.chroma * scale.of_cr;
  const at::Tensor b = light + (yuv.select(-1, 1) - 128.0F) * scale.chroma * scale.of_cb;
  const at::Tensor g = (light - r * scale.kr - b * scale.kb) * scale.per_kg;
  return at::stack({r, g, b}, -1).round_().clamp_(0, 255);
}

// [2 n, ...] -> [n, ...], between each of the first half and its partner in the second.
at::Tensor between_halves(const at::Tensor& x, std::int64_t dim, const at::Tensor& share) {
  const std::vector<at::Tensor> halves = x.chunk(2, dim);
  return between(halves[0], halves[1], share);
}

}  // namespace

DeviceInput::Geometry::Geometry(int image_width, int image_height, int input_side,
                                c10::Device device)
    : width(image_width),
      height(image_height),
      side(input_side),
      across(AxisTaps::half_pixel(image_width, input_side), device),
      down(AxisTaps::half_pixel(image_height, input_side), device),
      mean(at::tensor(kPixelMean).to(device)),
      scale(at::tensor(kPixelScale).to(device)) {
  const auto crossings = [&](const std::vector<int>& rows, const std::vector<int>& columns) {
    const std::vector<int> sent = each_once(rows);
    return Crossings{.sent = sent,
                     .rows = index_tensor(places_in(sent, rows), device).unsqueeze(1),
                     .columns = index_tensor(columns, device)};
  };
  const std::vector<int> rows = both(AxisTaps::half_pixel(height, side));
  const std::vector<int> columns = both(AxisTaps::half_pixel(width, side));
  pixels = crossings(rows, columns);
  chroma = crossings(halved(rows), halved(columns));
}

const DeviceInput::Geometry& DeviceInput::geometry_for(const ImageView& image, int side) {
  if (!geometry_ || geometry_->width != image.width || geometry_->height != image.height ||
      geometry_->side != side) {
    geometry_.emplace(image.width, image.height, side, device_);
  }
  return *geometry_;
}

std::vector<DeviceInput::Plane> DeviceInput::planes_of(const ImageView& image,
                                                       const Geometry& geometry) {
  const int half = (image.width + 1) / 2;
  switch (image.format) {
    case PixelFormat::kNv12:
      return {{0, image.width, 1, &geometry.pixels}, {1, half, 2, &geometry.chroma}};
    case PixelFormat::kI420:
      return {{0, image.width, 1, &geometry.pixels},
              {1, half, 1, &geometry.chroma},
              {2, half, 1, &geometry.chroma}};
    default:
      return {{0, image.width, bytes_per_pixel(image.format), &geometry.pixels}};
  }
}

at::Tensor DeviceInput::read(const ImageView& image, int side) {
  validate(image);
  const Geometry& geometry = geometry_for(image, side);
  const std::vector<Plane> planes = planes_of(image, geometry);
  std::vector<std::int64_t> starts{0};
  for (const Plane& plane : planes) {
    const auto rows = static_cast<std::int64_t>(plane.crossings->sent.size());
    starts.push_back(starts.back() + rows * plane.width * plane.channels);
  }
  const at::Tensor staged = staging_.bytes(starts.back());
  for (std::size_t i = 0; i < planes.size(); ++i) {
    copy_rows(image, planes[i].index, planes[i].crossings->sent,
              planes[i].width * planes[i].channels,
              staged.mutable_data_ptr<std::uint8_t>() + starts[i]);
  }

  const at::Tensor sent = staged.to(device_, /*non_blocking=*/true);
  std::vector<at::Tensor> samples;  // [2 side, 2 side, channels] of each plane
  for (std::size_t i = 0; i < planes.size(); ++i) {
    const at::Tensor plane = sent.narrow(0, starts[i], starts[i + 1] - starts[i])
                                 .view({-1, planes[i].width, planes[i].channels});
    samples.push_back(plane.index({planes[i].crossings->rows, planes[i].crossings->columns}));
  }
  const at::Tensor colours = at::cat(samples, 2).to(at::kFloat);
  at::Tensor rgb;
  if (bytes_per_pixel(image.format) == 0) {
    rgb = to_rgb(YuvScale(image), colours);
  } else {
    rgb = colours.narrow(2, 0, 3);
    if (blue_first(image.format)) rgb = rgb.flip(2);
  }
  const at::Tensor wide = between_halves(rgb, 1, geometry.across.share.view({-1, 1}));
  const at::Tensor resized = between_halves(wide, 0, geometry.down.share.view({-1, 1, 1}));
  const at::Tensor input = (resized - geometry.mean) * geometry.scale;  // [side, side, 3]
  return input.permute({2, 0, 1}).unsqueeze(0);
}

}  // namespace cdfss
