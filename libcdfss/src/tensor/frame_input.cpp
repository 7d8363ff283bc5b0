// One pass from a frame's bytes to the network's input: only the pixels that the resize reads are
// converted, and nothing of the frame's size is allocated.
#include "tensor/frame_input.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "tensor/axis_taps.h"
#include "tensor/pixel_scale.h"

namespace cdfss {
namespace {

constexpr std::int64_t kRowsPerTask = 16;

// Half to even, for what fits in 22 bits.
float rounded(float value) {
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23
  return (value + kShift) - kShift;
}

// rgb [3, count], from 0 to 255. A function of its own, so that the compiler knows the arrays
// apart and does several pixels at a time.
void to_rgb(const YuvScale& given, std::size_t count, const float* __restrict luma,
            const float* __restrict cb, const float* __restrict cr, float* __restrict rgb) {
  const YuvScale scale = given;
  const auto level = [](float value) {
    value = rounded(value);
    value = value < 0.0F ? 0.0F : value;
    return value > 255.0F ? 255.0F : value;
  };
  for (std::size_t i = 0; i < count; ++i) {
    const float light = (luma[i] - scale.black) * scale.luma;
    const float r = light + (cr[i] - 128.0F) * scale.chroma * scale.of_cr;
    const float b = light + (cb[i] - 128.0F) * scale.chroma * scale.of_cb;
    const float g = (light - r * scale.kr - b * scale.kb) * scale.per_kg;
    rgb[i] = level(r);
    rgb[count + i] = level(g);
    rgb[2 * count + i] = level(b);
  }
}

// Reads rows of an image at given columns, as R, G and B from 0 to 255. One for each thread.
class RowReader {
 public:
  RowReader(const ImageView& image, const std::vector<int>& columns)
      : image_(image),
        scale_(image),
        columns_(columns),
        luma_(columns.size()),
        cb_(columns.size()),
        cr_(columns.size()) {}

  // rgb [3, columns]
  void read(int row, float* rgb) {
    const int bytes = bytes_per_pixel(image_.format);
    if (bytes == 0) return read_yuv(row, rgb);
    const std::size_t count = columns_.size();
    const int red = blue_first(image_.format) ? 2 : 0;
    const std::uint8_t* pixels = image_.planes[0] + row * image_.strides[0];
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint8_t* pixel = pixels + std::ptrdiff_t{columns_[i]} * bytes;
      rgb[i] = pixel[red];
      rgb[count + i] = pixel[1];
      rgb[2 * count + i] = pixel[2 - red];
    }
  }

 private:
  void read_yuv(int row, float* rgb) {
    const std::uint8_t* y = image_.planes[0] + row * image_.strides[0];
    const bool interleaved = image_.format == PixelFormat::kNv12;
    const std::uint8_t* cb = image_.planes[1] + row / 2 * image_.strides[1];
    const std::uint8_t* cr = interleaved ? cb + 1 : image_.planes[2] + row / 2 * image_.strides[2];
    const int step = interleaved ? 2 : 1;
    const std::size_t count = columns_.size();
    for (std::size_t i = 0; i < count; ++i) {
      luma_[i] = y[columns_[i]];
      cb_[i] = cb[columns_[i] / 2 * step];
      cr_[i] = cr[columns_[i] / 2 * step];
    }
    to_rgb(scale_, count, luma_.data(), cb_.data(), cr_.data(), rgb);
  }

  const ImageView& image_;
  const YuvScale scale_;
  const std::vector<int>& columns_;
  std::vector<float> luma_, cb_, cr_;
};

}  // namespace

at::Tensor frame_input(const ImageView& image, int side) {
  validate(image);
  const AxisTaps across = AxisTaps::half_pixel(image.width, side);
  const AxisTaps down = AxisTaps::half_pixel(image.height, side);
  std::vector<int> columns(across.first);  // both taps of every output pixel
  columns.insert(columns.end(), across.second.begin(), across.second.end());
  const at::Tensor input = at::empty(
      {1, 3, side, side},
      at::TensorOptions().dtype(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
  float* const pixels = input.mutable_data_ptr<float>();
  const std::size_t row_length = std::size_t{3} * side;
  at::parallel_for(0, side, kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
    RowReader reader(image, columns);
    std::vector<float> taps(2 * row_length);
    std::vector<float> upper(row_length), lower(row_length);  // [3, side]
    const auto read_resized = [&](int row, std::vector<float>& resized) {
      reader.read(row, taps.data());
      for (int c = 0; c < 3; ++c) {
        const float* left = taps.data() + 2 * c * side;
        const float* right = left + side;
        float* out = resized.data() + c * side;
        for (int x = 0; x < side; ++x) out[x] = between(left[x], right[x], across.share[x]);
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
      float* out = pixels + y * row_length;
      for (int c = 0; c < 3; ++c) {
        const float* above = upper.data() + c * side;
        const float* below = lower.data() + c * side;
        for (int x = 0; x < side; ++x) {
          out[3 * x + c] = (between(above[x], below[x], share) - kPixelMean[c]) * kPixelScale[c];
        }
      }
    }
  });
  return input;
}

}  // namespace cdfss
