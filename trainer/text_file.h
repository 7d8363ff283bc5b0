// Whole text files, and JSON as such a text.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace cdfss {

// Throws as read_bytes.
std::string read_text_file(const std::filesystem::path& file);
// Replaces the file atomically, throws as AtomicFile.
void write_text_file(const std::filesystem::path& file, const std::string& text);

// For people: indented by two, ended by a newline. Bytes of names of files and classes that are no
// UTF-8 become U+FFFD.
std::string json_text(const nlohmann::json& json);

}  // namespace cdfss
