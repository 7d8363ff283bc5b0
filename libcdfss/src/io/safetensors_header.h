// The header of a safetensors file: what it holds, and where each tensor lies.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace cdfss {

struct TensorEntry {
  std::string name;
  at::ScalarType dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t offset;  // bytes from the end of the header
  std::uint64_t size;    // bytes: elements times element size, checked
};

struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;             // in the file's order, adjoining
  std::map<std::string, std::string> metadata;  // __metadata__
  std::uint64_t data_begin = 0;                 // bytes from the file's begin
};

// Parses and checks the header of a whole file's bytes, touching the header only; every tensor is
// then known to lie inside the file. `file` is for messages. Throws Error(kBadModel).
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> bytes,
                                           const std::filesystem::path& file);

// The length field and header text for tensors that follow it in this order; its size is a multiple
// of 8, so that tensors sorted by falling element size are aligned. Throws Error(kInvalidValue) for
// a dtype the format lacks, a reserved name, and text that is not UTF-8.
std::string format_safetensors_header(const std::vector<TensorEntry>& tensors,
                                      const std::map<std::string, std::string>& metadata,
                                      const std::filesystem::path& file);

}  // namespace cdfss
