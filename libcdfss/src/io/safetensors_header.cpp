#include "io/safetensors_header.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "cdfss/error.h"

namespace cdfss {
namespace {

using nlohmann::json;

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr std::size_t kMaxNesting = 3;                  // header, tensor, shape
constexpr const char* kMetadataKey = "__metadata__";

constexpr std::array<std::pair<at::ScalarType, std::string_view>, 10> kDtypes{{
    {at::kDouble, "F64"},
    {at::kFloat, "F32"},
    {at::kHalf, "F16"},
    {at::kBFloat16, "BF16"},
    {at::kLong, "I64"},
    {at::kInt, "I32"},
    {at::kShort, "I16"},
    {at::kChar, "I8"},
    {at::kByte, "U8"},
    {at::kBool, "BOOL"},
}};

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& what) {
  throw Error(ErrorCode::kBadModel, file.string() + ": " + what);
}

[[noreturn]] void refuse_tensor(const std::filesystem::path& file, const std::string& name,
                                const std::string& what) {
  refuse(file, "tensor \"" + name + "\": " + what);
}

// nlohmann::json keeps the last of several equal keys without a word, and nests without limit.
json parse_strictly(std::string_view text, const std::filesystem::path& file) {
  std::vector<std::set<std::string>> keys_of_open_objects;
  std::size_t nesting = 0;
  const auto check = [&](int, json::parse_event_t event, json& value) {
    switch (event) {
      case json::parse_event_t::object_start:
        keys_of_open_objects.emplace_back();
        [[fallthrough]];
      case json::parse_event_t::array_start:
        if (++nesting > kMaxNesting) refuse(file, "header is nested too deeply");
        break;
      case json::parse_event_t::object_end:
        keys_of_open_objects.pop_back();
        [[fallthrough]];
      case json::parse_event_t::array_end:
        --nesting;
        break;
      case json::parse_event_t::key: {
        const auto& key = value.get_ref<const std::string&>();
        if (!keys_of_open_objects.back().insert(key).second) {
          refuse(file, "header has the key \"" + key + "\" twice");
        }
        break;
      }
      case json::parse_event_t::value:
        break;
    }
    return true;
  };
  try {
    return json::parse(text, check);
  } catch (const json::exception& e) {
    refuse(file, std::string("header is not valid JSON: ") + e.what());
  }
}

std::map<std::string, std::string> parse_metadata(const json& fields,
                                                  const std::filesystem::path& file) {
  if (!fields.is_object()) refuse(file, "__metadata__ must be an object of strings");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : fields.items()) {
    if (!value.is_string()) {
      refuse(file, "__metadata__ entry \"" + key + "\" is " + value.dump() + ", expected a string");
    }
    metadata.emplace(key, value.get<std::string>());
  }
  return metadata;
}

// Bytes of a tensor; false on overflow. A zero extent counts as one while checking, because strides
// are computed from the other extents even where there are no elements.
bool tensor_bytes(const std::vector<std::int64_t>& shape, std::size_t element_size,
                  std::uint64_t& bytes) {
  auto product = static_cast<std::int64_t>(element_size);
  bool has_zero = false;
  for (const std::int64_t extent : shape) {
    has_zero |= extent == 0;
    if (__builtin_mul_overflow(product, std::max<std::int64_t>(extent, 1), &product)) return false;
  }
  bytes = has_zero ? 0 : static_cast<std::uint64_t>(product);
  return true;
}

at::ScalarType parse_dtype(const json& value, const std::string& name,
                           const std::filesystem::path& file) {
  std::string known;
  for (const auto& [dtype, dtype_name] : kDtypes) {
    if (value == dtype_name) return dtype;
    known += (known.empty() ? "" : ", ") + std::string(dtype_name);
  }
  refuse_tensor(file, name, "dtype is " + value.dump() + ", expected one of " + known);
}

TensorEntry parse_tensor(const std::string& name, const json& fields, std::uint64_t data_size,
                         const std::filesystem::path& file) {
  if (!fields.is_object() || fields.size() != 3 || !fields.contains("dtype") ||
      !fields.contains("shape") || !fields.contains("data_offsets")) {
    refuse_tensor(file, name, "expected an object of dtype, shape and data_offsets");
  }
  TensorEntry entry{.name = name,
                    .dtype = parse_dtype(fields["dtype"], name, file),
                    .shape = {},
                    .offset = 0,
                    .size = 0};

  const json& shape = fields["shape"];
  const auto refuse_shape = [&] {
    refuse_tensor(
        file, name,
        "shape is " + shape.dump() + ", expected non-negative integers whose product fits 63 bits");
  };
  if (!shape.is_array()) refuse_shape();
  for (const json& extent : shape) {
    // Unsigned is what the parser makes of every non-negative integer that fits 64 bits.
    if (!extent.is_number_unsigned() || extent.get<std::uint64_t>() > INT64_MAX) refuse_shape();
    entry.shape.push_back(extent.get<std::int64_t>());
  }
  std::uint64_t expected_size = 0;
  if (!tensor_bytes(entry.shape, c10::elementSize(entry.dtype), expected_size)) refuse_shape();

  const json& offsets = fields["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned() ||
      offsets[0].get<std::uint64_t>() > offsets[1].get<std::uint64_t>()) {
    refuse_tensor(file, name,
                  "data_offsets is " + offsets.dump() + ", expected [begin, end], begin <= end");
  }
  entry.offset = offsets[0].get<std::uint64_t>();
  entry.size = offsets[1].get<std::uint64_t>() - entry.offset;
  if (offsets[1].get<std::uint64_t>() > data_size) {
    refuse_tensor(file, name,
                  "data_offsets is " + offsets.dump() + ", past the end of the file's " +
                      std::to_string(data_size) + " data bytes (truncated?)");
  }
  if (entry.size != expected_size) {
    refuse_tensor(file, name,
                  "data_offsets is " + offsets.dump() + ", expected " +
                      std::to_string(expected_size) + " bytes for shape " + shape.dump() + " of " +
                      fields["dtype"].get<std::string>());
  }
  return entry;
}

// Tensors tile the data: each begins where the one before ends, the last ends with the file.
void check_tiling(const std::vector<TensorEntry>& tensors, std::uint64_t data_size,
                  const std::filesystem::path& file) {
  std::uint64_t position = 0;
  for (const TensorEntry& entry : tensors) {
    if (entry.offset != position) {
      refuse_tensor(file, entry.name,
                    "begins at data byte " + std::to_string(entry.offset) +
                        (entry.offset < position ? ", overlapping" : ", leaving a gap to") +
                        " the one before, which ends at " + std::to_string(position));
    }
    position += entry.size;
  }
  if (position != data_size) {
    refuse(file, std::to_string(data_size - position) + " bytes follow the last tensor" +
                     (tensors.empty() ? "" : " \"" + tensors.back().name + "\"") +
                     ", expected the end of the file");
  }
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> bytes,
                                           const std::filesystem::path& file) {
  if (bytes.size() < kLengthBytes) {
    refuse(file, "not a safetensors file: " + std::to_string(bytes.size()) +
                     " bytes long, expected at least " + std::to_string(kLengthBytes));
  }
  std::uint64_t length = 0;  // little-endian
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  }
  const std::uint64_t available = bytes.size() - kLengthBytes;
  if (length > available || length > kMaxHeaderBytes) {
    refuse(file, "header length is " + std::to_string(length) + " bytes, expected at most " +
                     std::to_string(std::min(available, kMaxHeaderBytes)) +
                     " (truncated, or not a safetensors file)");
  }

  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  const json header = parse_strictly(text, file);
  if (!header.is_object()) refuse(file, "header must be a JSON object");

  SafetensorsHeader result{.tensors = {}, .metadata = {}, .data_begin = kLengthBytes + length};
  const std::uint64_t data_size = available - length;
  for (const auto& [name, fields] : header.items()) {
    if (name == kMetadataKey) {
      result.metadata = parse_metadata(fields, file);
    } else {
      result.tensors.push_back(parse_tensor(name, fields, data_size, file));
    }
  }
  std::sort(result.tensors.begin(), result.tensors.end(),
            [](const TensorEntry& a, const TensorEntry& b) {
              return std::pair(a.offset, a.size) < std::pair(b.offset, b.size);
            });
  check_tiling(result.tensors, data_size, file);
  return result;
}

std::string format_safetensors_header(const std::vector<TensorEntry>& tensors,
                                      const std::map<std::string, std::string>& metadata,
                                      const std::filesystem::path& file) {
  json header = json::object();
  if (!metadata.empty()) header[kMetadataKey] = metadata;
  for (const TensorEntry& entry : tensors) {
    const auto dtype = std::find_if(kDtypes.begin(), kDtypes.end(),
                                    [&](const auto& known) { return known.first == entry.dtype; });
    if (dtype == kDtypes.end() || entry.name == kMetadataKey) {
      throw Error(ErrorCode::kInvalidValue, file.string() + ": tensor \"" + entry.name + "\" of " +
                                                c10::toString(entry.dtype) +
                                                " cannot be stored in safetensors");
    }
    header[entry.name] = {{"dtype", dtype->second},
                          {"shape", entry.shape},
                          {"data_offsets", {entry.offset, entry.offset + entry.size}}};
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception& e) {
    throw Error(ErrorCode::kInvalidValue,
                file.string() + ": a name or metadata entry is not UTF-8: " + e.what());
  }
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  std::string length;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length += static_cast<char>((text.size() >> (8 * i)) & 0xff);
  }
  return length + text;
}

}  // namespace cdfss
