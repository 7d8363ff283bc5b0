// Writes .pth files as torch.save does, for tests to damage.
#pragma once

#include <ATen/ATen.h>
#include <caffe2/serialize/inline_container.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace cdfss::testing {

// Pickle protocol 2, instruction by instruction.
namespace pickle {

inline std::string integer(std::int32_t value) {
  std::string text = "J";
  for (int i = 0; i < 4; ++i) text += static_cast<char>((value >> (8 * i)) & 0xff);
  return text;
}
inline std::string text(std::string_view value) {
  std::string result = integer(static_cast<std::int32_t>(value.size()));
  result[0] = 'X';
  return result + std::string(value);
}
// append() rather than "..." + string: GCC 12 warns of the latter without cause.
inline std::string tuple(std::string_view items) {
  return std::string("(").append(items).append("t");
}
inline std::string call(std::string_view module_and_name, std::string_view arguments) {
  return std::string("c").append(module_and_name).append("\n").append(tuple(arguments)).append("R");
}
inline std::string ordered_dict(std::string_view items) {
  return call("collections\nOrderedDict", "") + "(" + std::string(items) + "u";
}
inline std::string program(std::string_view body) {
  return std::string("\x80\x02").append(body).append(".");
}

// sizes and strides: instructions for the integers.
inline std::string tensor(std::string_view key, std::int32_t elements, std::int32_t offset,
                          std::string_view sizes, std::string_view strides,
                          std::string_view type = "FloatStorage") {
  const std::string storage = tuple(text("storage") + "ctorch\n" + std::string(type) + "\n" +
                                    text(key) + text("cpu") + integer(elements)) +
                              "Q";
  return call("torch._utils\n_rebuild_tensor_v2", storage + integer(offset) + tuple(sizes) +
                                                      tuple(strides) + "\x89" + ordered_dict(""));
}

}  // namespace pickle

// A PyTorch archive of these records ("data.pkl", "data/0", ...).
inline void write_archive(const std::filesystem::path& file,
                          const std::map<std::string, std::string>& records) {
  caffe2::serialize::PyTorchStreamWriter writer(file.string());
  for (const auto& [name, bytes] : records) writer.writeRecord(name, bytes.data(), bytes.size());
  writer.writeEndOfFile();
}

// A state dict of contiguous float32 and int64 tensors, with the attributes PyTorch gives it.
inline void write_pth(const std::filesystem::path& file,
                      const std::map<std::string, at::Tensor>& tensors) {
  std::map<std::string, std::string> records;
  std::string items;
  for (const auto& [name, tensor] : tensors) {
    std::string sizes, strides;
    for (const auto size : tensor.sizes()) sizes += pickle::integer(static_cast<int>(size));
    for (const auto stride : tensor.strides()) strides += pickle::integer(static_cast<int>(stride));
    const std::string key = std::to_string(records.size());
    items += pickle::text(name) +
             pickle::tensor(key, static_cast<int>(tensor.numel()), 0, sizes, strides,
                            tensor.scalar_type() == at::kLong ? "LongStorage" : "FloatStorage");
    records["data/" + key] = {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()};
  }
  const std::string attributes =
      "}" + pickle::text("_metadata") +
      pickle::ordered_dict(pickle::text("") + "}" + pickle::text("version") + "K\1s") + "s";
  records["data.pkl"] = pickle::program(pickle::ordered_dict(items) + attributes + "b");
  write_archive(file, records);
}

}  // namespace cdfss::testing
