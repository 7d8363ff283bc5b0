#include "tensor/activation_ranges.h"

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "tensor/cpu_versions.h"
#include "tensor/parallel.h"

namespace cdfss {
namespace {

constexpr double kLargestByte = 255;
constexpr std::int64_t kValuesPerTask = 1 << 15;

// In short passes over a block in the cache, each simple enough for the compiler to do several
// values at a time.
struct ToBytes {
  template <typename Value>
  CDFSS_INLINE void operator()(const Value* __restrict values, std::int64_t count, ByteScale scale,
                               std::uint8_t* __restrict bytes) const {
    constexpr std::int64_t kBlock = 256;
    constexpr float kShift = 8388608.0F;  // 2^23: added to 0..255, the low bits are the integer
    const auto per_unit = static_cast<float>(1 / scale.scale);
    const auto zero = static_cast<float>(scale.zero);
    std::array<float, kBlock> block;
    for (std::int64_t first = 0; first < count; first += kBlock) {
      const std::int64_t size = std::min(kBlock, count - first);
      for (std::int64_t i = 0; i < size; ++i) {
        block[i] = static_cast<float>(values[first + i]) * per_unit + zero;
      }
      for (std::int64_t i = 0; i < size; ++i) block[i] = block[i] > 0.0F ? block[i] : 0.0F;
      for (std::int64_t i = 0; i < size; ++i) block[i] = block[i] < 255.0F ? block[i] : 255.0F;
      for (std::int64_t i = 0; i < size; ++i) {
        bytes[first + i] =
            static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(block[i] + kShift));
      }
    }
  }
};

struct FromBytes {
  template <typename Value>
  CDFSS_INLINE void operator()(const std::uint8_t* __restrict bytes, std::int64_t count,
                               ByteScale scale, Value* __restrict values) const {
    const auto zero = static_cast<float>(scale.zero), unit = static_cast<float>(scale.scale);
    for (std::int64_t i = 0; i < count; ++i) {
      values[i] = static_cast<Value>((static_cast<float>(bytes[i]) - zero) * unit);
    }
  }
};

}  // namespace

void ActivationRanges::widen(int place, const at::Tensor& values) {
  Range& range = ranges_.at(place);
  // aminmax() copies what does not lie in memory in the order of its dimensions.
  const bool by_pixels = values.is_contiguous(at::MemoryFormat::ChannelsLast);
  const auto [low, high] = at::aminmax(by_pixels ? values.permute({0, 2, 3, 1}) : values);
  range.low = std::min(range.low, low.item<double>());
  range.high = std::max(range.high, high.item<double>());
}

ByteScale ActivationRanges::scale(int place) const {
  const Range& range = ranges_.at(place);
  const double extent = range.high - range.low;
  if (!(extent > 0) || !std::isfinite(extent)) return {};
  const double scale = extent / kLargestByte;
  return {scale, static_cast<std::int64_t>(std::round(-range.low / scale))};
}

QuantisedTensor quantise(const at::Tensor& values, ByteScale scale) {
  const at::Tensor from = values.contiguous(at::MemoryFormat::ChannelsLast);
  QuantisedTensor result{at::empty_like(from, from.options().dtype(at::kByte)), scale};
  auto* const bytes = result.bytes.mutable_data_ptr<std::uint8_t>();
  AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, from.scalar_type(), "quantise", [&] {
    const auto* const numbers = from.const_data_ptr<scalar_t>();
    at::parallel_for(0, from.numel(), kValuesPerTask, [&](std::int64_t begin, std::int64_t end) {
      on_this_cpu<ToBytes{}>(numbers + begin, end - begin, scale, bytes + begin);
    });
  });
  return result;
}

QuantisedTensor quantise(const at::Tensor& values, ActivationRanges& ranges, int place) {
  if (ranges.learning()) ranges.widen(place, values);
  return quantise(values, ranges.scale(place));
}

at::Tensor dequantise(const QuantisedTensor& x, at::ScalarType dtype) {
  const at::Tensor from = x.bytes.contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor result = at::empty_like(from, from.options().dtype(dtype));
  const auto* const bytes = from.const_data_ptr<std::uint8_t>();
  AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, dtype, "dequantise", [&] {
    auto* const values = result.mutable_data_ptr<scalar_t>();
    at::parallel_for(0, from.numel(), kValuesPerTask, [&](std::int64_t begin, std::int64_t end) {
      on_this_cpu<FromBytes{}>(bytes + begin, end - begin, x.scale, values + begin);
    });
  });
  return result;
}

}  // namespace cdfss
