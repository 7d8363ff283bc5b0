// classes.txt: what the indices of a mask mean.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cdfss {

// The name of every mask index: element i is line i of the file (from 0), trimmed. Index 0 is the
// background, whatever its line says, and a line `-` is an unused index: both are empty strings.
// Throws Error(kNotFound | kUnreadable), (kInvalidValue) for an empty line, a name twice, no class
// or more than 255 lines (255 is ignore).
std::vector<std::string> read_class_names(const std::filesystem::path& file);

}  // namespace cdfss
