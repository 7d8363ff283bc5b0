// How fast the machine's own convolutions and copies are: what a stage's time is held against.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "model/resnet.h"

namespace cdfss::bench {

struct ConvolutionShape {
  std::int64_t in = 0, out = 0, kernel = 1, stride = 1, dilation = 1;
  std::int64_t side = 0;  // of the input
  std::int64_t batch = 1;
  bool quantised = false;  // in 8 bits, on the CPU

  std::int64_t output_side() const;
  double gflop() const;  // a multiplication and an addition count two
  bool operator==(const ConvolutionShape&) const = default;
};

// Convolutions of a backbone stage 0..3 on images of side S.
std::vector<ConvolutionShape> encoder_convolutions(const ResNetLayout& layout, int stage,
                                                   int input_side);
// Of the feature reduction, and of the decoder for `classes` classes, h = feature side.
std::vector<ConvolutionShape> reduction_convolutions(int feature_side);
std::vector<ConvolutionShape> decoder_convolutions(int feature_side, int classes);

double gflop(const std::vector<ConvolutionShape>& shapes);

// Seconds that these take one after another as nothing but convolutions: channels-last, weights
// packed as oneDNN (cuDNN) wants them, no bias, sum or ReLU; the least of some runs each.
double convolution_seconds(const std::vector<ConvolutionShape>& shapes, at::ScalarType dtype,
                           c10::Device device);

// Bytes read and written a second, in GB, by copying far more than the caches hold.
double copy_gigabytes_per_second(c10::Device device);

}  // namespace cdfss::bench
