// One pass from a frame's bytes to the network's input: only the pixels that the resize reads are
// converted, and nothing of the frame's size is allocated.
#include "tensor/frame_input.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "tensor/axis_taps.h"
#include "tensor/cpu_versions.h"
#include "tensor/parallel.h"
#include "tensor/pixel_scale.h"

namespace cdfss {
namespace {

constexpr std::int64_t kRowsPerTask = 16;

// Half to even, for what fits in 22 bits.
float rounded(float value) {
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23
  return (value + kShift) - kShift;
}

// What an image's row has at the wanted columns: R, G and B, or Y', Cb and Cr.
using Samples = std::array<std::vector<std::uint8_t>, 3>;

// rgb [3, count], from 0 to 255. A function of its own, so that the compiler knows the arrays
// apart and does several pixels at a time.
CDFSS_INLINE void to_rgb(const YuvScale& given, std::size_t count,
                         const std::uint8_t* __restrict luma, const std::uint8_t* __restrict cb,
                         const std::uint8_t* __restrict cr, float* __restrict rgb) {
  const YuvScale scale = given;
  const auto level = [](float value) {
    value = rounded(value);
    value = value < 0.0F ? 0.0F : value;
    return value > 255.0F ? 255.0F : value;
  };
  for (std::size_t i = 0; i < count; ++i) {
    const float light = (static_cast<float>(luma[i]) - scale.black) * scale.luma;
    const float r = light + (static_cast<float>(cr[i]) - 128.0F) * scale.chroma * scale.of_cr;
    const float b = light + (static_cast<float>(cb[i]) - 128.0F) * scale.chroma * scale.of_cb;
    const float g = (light - r * scale.kr - b * scale.kb) * scale.per_kg;
    rgb[i] = level(r);
    rgb[count + i] = level(g);
    rgb[2 * count + i] = level(b);
  }
}

// What all rows of an image have in common.
struct InputPlan {
  const ImageView& image;
  YuvScale scale;
  AxisTaps across, down;
  std::vector<int> columns, chroma_columns;  // both taps of every output pixel: [2, side]

  InputPlan(const ImageView& view, int side)
      : image(view),
        scale(view),
        across(AxisTaps::half_pixel(view.width, side)),
        down(AxisTaps::half_pixel(view.height, side)),
        columns(across.first) {
    columns.insert(columns.end(), across.second.begin(), across.second.end());
    const int step = image.format == PixelFormat::kNv12 ? 2 : 1;
    for (const int column : columns) chroma_columns.push_back(column / 2 * step);
  }
};

// A row at the plan's columns, as R, G and B from 0 to 255: rgb [3, columns].
CDFSS_INLINE void read_row(const InputPlan& plan, int row, Samples& samples, float* rgb) {
  const ImageView& image = plan.image;
  const std::size_t count = plan.columns.size();
  const int* const columns = plan.columns.data();
  auto& [first, second, third] = samples;
  if (const int bytes = bytes_per_pixel(image.format); bytes != 0) {
    const int red = blue_first(image.format) ? 2 : 0;
    const std::uint8_t* pixels = image.planes[0] + row * image.strides[0];
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint8_t* pixel = pixels + std::ptrdiff_t{columns[i]} * bytes;
      first[i] = pixel[red];
      second[i] = pixel[1];
      third[i] = pixel[2 - red];
    }
    for (const std::vector<std::uint8_t>& colour : samples) {
      rgb = std::copy(colour.begin(), colour.end(), rgb);
    }
    return;
  }
  const int* const chroma = plan.chroma_columns.data();
  const std::uint8_t* y = image.planes[0] + row * image.strides[0];
  const std::uint8_t* cb = image.planes[1] + row / 2 * image.strides[1];
  const std::uint8_t* cr =
      image.format == PixelFormat::kNv12 ? cb + 1 : image.planes[2] + row / 2 * image.strides[2];
  for (std::size_t i = 0; i < count; ++i) {
    first[i] = y[columns[i]];
    second[i] = cb[chroma[i]];
    third[i] = cr[chroma[i]];
  }
  to_rgb(plan.scale, count, first.data(), second.data(), third.data(), rgb);
}

// The input's rows `begin` to `end`; `pixels` is the whole input, [side, side, 3].
struct ReadRows {
  CDFSS_INLINE void operator()(const InputPlan& plan, std::int64_t begin, std::int64_t end,
                               float* pixels) const {
    const std::size_t side = plan.across.first.size();
    const AxisTaps &across = plan.across, &down = plan.down;
    Samples samples;
    for (std::vector<std::uint8_t>& row : samples) row.resize(2 * side);
    std::vector<float> taps(6 * side);
    std::vector<float> upper(3 * side), lower(3 * side);  // [3, side]
    const auto read_resized = [&](int row, std::vector<float>& resized)
                                  __attribute__((always_inline)) {
                                    read_row(plan, row, samples, taps.data());
                                    for (std::size_t c = 0; c < 3; ++c) {
                                      const float* left = taps.data() + 2 * c * side;
                                      const float* right = left + side;
                                      float* out = resized.data() + c * side;
                                      for (std::size_t x = 0; x < side; ++x)
                                        out[x] = between(left[x], right[x], across.share[x]);
                                    }
                                  };
    int upper_row = -1, lower_row = -1;  // what the buffers hold
    for (std::int64_t y = begin; y < end; ++y) {
      if (down.first[y] == lower_row) {
        std::swap(upper, lower);
        std::swap(upper_row, lower_row);
      }
      if (down.first[y] != upper_row) read_resized(upper_row = down.first[y], upper);
      if (down.second[y] != lower_row) read_resized(lower_row = down.second[y], lower);
      const float share = down.share[y];
      float* out = pixels + 3 * side * y;
      for (std::size_t c = 0; c < 3; ++c) {
        const float* above = upper.data() + c * side;
        const float* below = lower.data() + c * side;
        for (std::size_t x = 0; x < side; ++x) {
          out[3 * x + c] = (between(above[x], below[x], share) - kPixelMean[c]) * kPixelScale[c];
        }
      }
    }
  }
};

}  // namespace

at::Tensor frame_input(const ImageView& image, int side) {
  validate(image);
  const InputPlan plan(image, side);
  const at::Tensor input = at::empty(
      {1, 3, side, side},
      at::TensorOptions().dtype(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
  float* const pixels = input.mutable_data_ptr<float>();
  at::parallel_for(0, side, kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
    on_this_cpu<ReadRows{}>(plan, begin, end, pixels);
  });
  return input;
}

}  // namespace cdfss
