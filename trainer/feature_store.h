// A temporary file of features with their labels, mapped into memory.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace cdfss {

// Records of the same fields, each a tensor of a fixed type and shape. The file has no name, so
// nothing is left behind however the program ends.
class FeatureStore {
 public:
  struct Field {
    at::ScalarType type;
    std::vector<std::int64_t> sizes;  // with a 0 for a field that is not wanted
  };

  // Reserves disk for `count` records in `folder`. Throws Error(kUnreadable) naming the folder and
  // the size when that fails.
  FeatureStore(const std::filesystem::path& folder, std::int64_t count, std::vector<Field> fields);
  ~FeatureStore();
  FeatureStore(const FeatureStore&) = delete;
  FeatureStore& operator=(const FeatureStore&) = delete;

  // View of a field of record `index` in 0..count-1; it lives as long as the store.
  at::Tensor field(std::int64_t index, std::size_t field) const;
  // Starts reading it from disk without waiting.
  void prefetch(std::int64_t index, std::size_t field) const;

 private:
  std::uint8_t* address(std::int64_t index, std::size_t field) const;

  std::vector<Field> fields_;
  std::vector<std::size_t> offsets_;  // of the fields in a record, and its size
  std::size_t total_bytes_;
  std::uint8_t* data_ = nullptr;
};

}  // namespace cdfss
