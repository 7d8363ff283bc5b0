// What the bytes of quantised activations stand for, and how that is learnt from images.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace cdfss {

// value = scale * (byte - zero), bytes from 0 to 255.
struct ByteScale {
  double scale = 1;
  std::int64_t zero = 0;
};

// A tensor of bytes, uint8 [B, C, H, W], channels-last.
struct QuantisedTensor {
  at::Tensor bytes;
  ByteScale scale;
};

// The values that activations took at each place of a quantised network. Learnt from a few images,
// then used for all others, whose values beyond the range are clipped to it. Any thread once
// learnt; one at a time before.
class ActivationRanges {
 public:
  explicit ActivationRanges(int places) : ranges_(places) {}

  // While learning, what passes a place widens its range first.
  bool learning() const { return learning_; }
  void finish() { learning_ = false; }

  // Makes the range of `place` hold all of `values`, of a floating-point type. Only while learning.
  void widen(int place, const at::Tensor& values);
  // Fits the range of `place`, so that 0 is a byte exactly; 1 for a place that saw nothing but 0.
  ByteScale scale(int place) const;

 private:
  struct Range {
    double low = 0, high = 0;
  };
  std::vector<Range> ranges_;
  bool learning_ = true;
};

// `values` [B, C, H, W], float or bfloat16, rounded to the nearest byte of `scale`.
QuantisedTensor quantise(const at::Tensor& values, ByteScale scale);
// The same at a place of the network: its range is widened first, while learning.
QuantisedTensor quantise(const at::Tensor& values, ActivationRanges& ranges, int place);
// What the bytes stand for, in a floating-point type.
at::Tensor dequantise(const QuantisedTensor& x, at::ScalarType dtype);

}  // namespace cdfss
