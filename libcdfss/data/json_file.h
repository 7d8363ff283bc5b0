// JSON files with errors that name the file.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "cdfss/error.h"
#include "data/file_bytes.h"

namespace cdfss {

// Parses `file` and gives the JSON to `read`, whose result it returns. Throws Error(kNotFound |
// kUnreadable) for a file that is not there or not JSON, and (kInvalidValue) when `read` meets a
// missing key or a value of another type.
template <typename Read>
auto read_json(const std::filesystem::path& file, Read read) {
  const std::vector<std::uint8_t> bytes = read_bytes(file);
  nlohmann::json json;
  try {
    json = nlohmann::json::parse(bytes);
  } catch (const nlohmann::json::exception& exception) {
    throw Error(ErrorCode::kUnreadable, file.string() + " is not JSON: " + exception.what());
  }
  try {
    return read(json);
  } catch (const nlohmann::json::exception& exception) {
    throw Error(ErrorCode::kInvalidValue,
                file.string() + " is not laid out as expected: " + exception.what());
  }
}

}  // namespace cdfss
