// The safetensors format: an 8-byte little-endian header length, a JSON header, raw tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

namespace cdfss {

// Everything in one file. Reading executes nothing.
struct SafetensorsFile {
  std::map<std::string, at::Tensor> tensors;    // CPU, contiguous
  std::map<std::string, std::string> metadata;  // __metadata__
};

// Maps the file; the tensors are views that keep the mapping alive. It is private: writing to a
// tensor never reaches the file.
// The whole layout is checked first: header length and JSON, dtype names, shape products, offsets
// in order, without overlap or gap, ending at the file's end. Throws Error(kNotFound) or
// Error(kUnreadable) for the file itself and Error(kBadModel) naming the file, the tensor and what
// was wrong.
SafetensorsFile read_safetensors(const std::filesystem::path& file);
// Only the header's metadata, same checks on the header.
std::map<std::string, std::string> read_safetensors_metadata(const std::filesystem::path& file);

// Writes through a temporary file in the same folder, synced and renamed into place: a reader sees
// the old file or the whole new one. Dtypes: F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL. Throws
// Error(kUnreadable) naming the file, and Error(kInvalidValue) for another dtype or text that is
// not UTF-8.
void write_safetensors(const std::filesystem::path& file,
                       const std::map<std::string, at::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace cdfss
