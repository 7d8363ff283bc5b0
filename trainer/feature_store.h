// A temporary file of backbone features with their labels, mapped into memory.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace cdfss {

// Fixed-size records: features float16 [h, h, C] (channels last) and a label uint8 [S, S]. The file
// has no name, so nothing is left behind however the program ends.
class FeatureStore {
 public:
  // Reserves disk for `count` records in `folder`. Throws Error(kUnreadable) naming the folder and
  // the size when that fails.
  FeatureStore(const std::filesystem::path& folder, std::int64_t count, int channels,
               int feature_side, int label_side);
  ~FeatureStore();
  FeatureStore(const FeatureStore&) = delete;
  FeatureStore& operator=(const FeatureStore&) = delete;

  // Views of record `index` in 0..count-1; they live as long as the store.
  at::Tensor features(std::int64_t index) const;
  at::Tensor label(std::int64_t index) const;
  // Starts reading the record from disk without waiting.
  void prefetch(std::int64_t index) const;

 private:
  std::uint8_t* record(std::int64_t index) const;

  int channels_, feature_side_, label_side_;
  std::size_t feature_bytes_, record_bytes_, total_bytes_;
  std::uint8_t* data_ = nullptr;
};

}  // namespace cdfss
