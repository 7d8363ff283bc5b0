// Whole text files.
#pragma once

#include <filesystem>
#include <string>

namespace cdfss {

// Throws as read_bytes.
std::string read_text_file(const std::filesystem::path& file);
// Replaces the file atomically, throws as AtomicFile.
void write_text_file(const std::filesystem::path& file, const std::string& text);

}  // namespace cdfss
