// Whole files to memory and back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace cdfss {

// Throws Error(kNotFound) for a missing file and (kUnreadable) for one that cannot be read or is
// not a regular file, naming it.
std::vector<std::uint8_t> read_bytes(const std::filesystem::path& file);

// Writes beside `file` and renames into place, so that a reader never sees half a file. Throws
// Error(kUnreadable) naming it.
void write_bytes(const std::filesystem::path& file, const std::vector<std::uint8_t>& bytes);

}  // namespace cdfss
