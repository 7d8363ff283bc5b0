// Text files that hold one entry a line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cdfss {

// The lines without white space at their ends, and without empty lines at the file's end. Throws
// Error(kNotFound | kUnreadable).
std::vector<std::string> trimmed_lines(const std::filesystem::path& file);

struct ListEntry {
  std::string name;
  int line;  // from 1
};

// The entries of a list of `what` (plural, for messages), in its order; empty lines are none.
// Throws as trimmed_lines does, and Error(kInvalidValue) for an entry that occurs twice and for no
// entry.
std::vector<ListEntry> read_list(const std::filesystem::path& file, const std::string& what);

}  // namespace cdfss
