// The closed formulae behind the golden files: weights, images, and the generator they share.
#pragma once

#include <ATen/ATen.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include "model/asgnet.h"

namespace cdfss::golden {

// CRC-32 of zlib.
inline std::uint32_t crc32(const std::string& text) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

// n values in [0, 1) that depend on the name only: murmur3's finaliser over a Weyl sequence.
inline std::vector<double> uniform(const std::string& name, std::int64_t n) {
  const std::uint32_t seed = crc32(name);
  std::vector<double> values(n);
  for (std::int64_t i = 0; i < n; ++i) {
    std::uint32_t x = static_cast<std::uint32_t>(i) * 0x9E3779B1U + seed;
    x ^= x >> 16;
    x *= 0x85EBCA6BU;
    x ^= x >> 13;
    x *= 0xC2B2AE35U;
    x ^= x >> 16;
    values[i] = static_cast<double>(x >> 8) / 16777216.0;
  }
  return values;
}

// The weight of that name and shape, in double.
inline at::Tensor weight(const std::string& name, at::IntArrayRef shape) {
  const auto count = c10::multiply_integers(shape);
  const at::Tensor u = at::tensor(uniform(name, count), at::kDouble).view(shape);
  const auto ends_with = [&](const char* suffix) { return name.ends_with(suffix); };
  if (name == "cls.3.bias") return at::tensor({0.0, 16.5}, at::kDouble);
  if (ends_with("running_mean") || ends_with("bias")) return 0.2 * (u - 0.5);
  if (ends_with("running_var")) return u + 0.5;
  if (shape.size() == 1) {
    const bool last_of_block = name.starts_with("layer") && name.ends_with("bn3.weight");
    return (0.7 + 0.6 * u) * (last_of_block ? 0.25 : 1.0);
  }
  at::Tensor w = (2.0 * u - 1.0) * std::sqrt(6.0 / static_cast<double>(count / shape[0]));
  if (name == "down_conv.0.weight") return (w - w.mean(1, true)) * 0.4;
  if (name == "cls.3.weight" || (name.starts_with("inner_cls") && ends_with("3.weight"))) {
    return w - w.mean(1, true);
  }
  return w;
}

// Fills every parameter and buffer; returns their sum in double.
inline double fill(AsgnetImpl& network) {
  double sum = 0.0;
  const auto set = [&](const std::string& name, at::Tensor& tensor) {
    if (name.ends_with("num_batches_tracked")) return;
    tensor.set_data(weight(name, tensor.sizes()).to(at::kFloat));
    sum += tensor.sum(at::kDouble).item<double>();
  };
  for (auto& parameter : network.named_parameters()) set(parameter.key(), parameter.value());
  for (auto& buffer : network.named_buffers()) set(buffer.key(), buffer.value());
  return sum;
}

// The normalised network input of that tag: three channels of six plane waves. float [1, 3, S, S]
inline at::Tensor image(const std::string& tag, int side) {
  const at::Tensor y = at::arange(side, at::kDouble).view({-1, 1});
  const at::Tensor x = at::arange(side, at::kDouble).view({1, -1});
  std::vector<at::Tensor> channels;
  for (int c = 0; c < 3; ++c) {
    const std::vector<double> u = uniform(tag + ".c" + std::to_string(c), 24);
    at::Tensor channel = at::zeros({side, side}, at::kDouble);
    for (int k = 0; k < 6; ++k) {
      const double a = u[4 * k], b = u[4 * k + 1], d = u[4 * k + 2], e = u[4 * k + 3];
      channel += (2 * a - 1) * 1.2 *
                 at::sin(2 * std::numbers::pi * ((8 * b - 4) * y + (8 * d - 4) * x) / side +
                         2 * std::numbers::pi * e);
    }
    channels.push_back(channel);
  }
  return at::stack(channels).unsqueeze(0).to(at::kFloat);
}

}  // namespace cdfss::golden
