#include "io/safetensors.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "cdfss/error.h"
#include "io/atomic_file.h"
#include "io/mapped_file.h"
#include "io/safetensors_header.h"

namespace cdfss {
namespace {

// A view into the mapping, which it keeps alive; a copy where the file's layout leaves the elements
// unaligned (the format does not promise alignment).
at::Tensor tensor_at(const std::shared_ptr<MappedFile>& mapping, std::uint64_t offset,
                     const TensorEntry& entry) {
  const auto options = at::TensorOptions().dtype(entry.dtype);
  if (entry.size == 0) return at::empty(entry.shape, options);
  const auto bytes = mapping->bytes().subspan(offset, entry.size);
  if (offset % c10::elementSize(entry.dtype) != 0) {
    at::Tensor copy = at::empty(entry.shape, options);
    std::copy(bytes.begin(), bytes.end(), static_cast<std::byte*>(copy.mutable_data_ptr()));
    return copy;
  }
  return at::from_blob(bytes.data(), entry.shape, [mapping](void*) {}, options);
}

}  // namespace

SafetensorsFile read_safetensors(const std::filesystem::path& file) {
  const auto mapping = std::make_shared<MappedFile>(file);
  SafetensorsHeader header = parse_safetensors_header(mapping->bytes(), file);
  SafetensorsFile result;
  for (const TensorEntry& entry : header.tensors) {
    const std::uint64_t offset = header.data_begin + entry.offset;
    const auto bytes = mapping->bytes().subspan(offset, entry.size);
    // Any other value in a bool is undefined behaviour once it is read.
    if (entry.dtype == at::kBool &&
        std::any_of(bytes.begin(), bytes.end(), [](std::byte b) { return b > std::byte{1}; })) {
      throw Error(ErrorCode::kBadModel,
                  file.string() + ": tensor \"" + entry.name + "\": a BOOL is neither 0 nor 1");
    }
    result.tensors.emplace(entry.name, tensor_at(mapping, offset, entry));
  }
  result.metadata = std::move(header.metadata);
  return result;
}

std::map<std::string, std::string> read_safetensors_metadata(const std::filesystem::path& file) {
  return parse_safetensors_header(MappedFile(file).bytes(), file).metadata;
}

void write_safetensors(const std::filesystem::path& file,
                       const std::map<std::string, at::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<TensorEntry> entries;
  for (const auto& [name, tensor] : tensors) {
    entries.push_back({.name = name,
                       .dtype = tensor.scalar_type(),
                       .shape = tensor.sizes().vec(),
                       .offset = 0,
                       .size = static_cast<std::uint64_t>(tensor.numel()) * tensor.element_size()});
  }
  // Falling element size keeps every tensor aligned without padding, which the format forbids.
  std::stable_sort(entries.begin(), entries.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return c10::elementSize(a.dtype) > c10::elementSize(b.dtype);
  });
  std::uint64_t offset = 0;
  for (TensorEntry& entry : entries) {
    entry.offset = offset;
    offset += entry.size;
  }

  const std::string header = format_safetensors_header(entries, metadata, file);
  AtomicFile output(file);
  output.write(header.data(), header.size());
  for (const TensorEntry& entry : entries) {
    const at::Tensor stored = tensors.at(entry.name).detach().to(at::kCPU).contiguous();
    output.write(stored.const_data_ptr(), entry.size);
  }
  output.commit();
}

}  // namespace cdfss
