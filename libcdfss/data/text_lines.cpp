#include "data/text_lines.h"

#include <map>
#include <sstream>

#include "cdfss/error.h"
#include "data/file_bytes.h"

namespace cdfss {
namespace {

std::string trim(const std::string& text) {
  constexpr const char* kSpace = " \t\r";
  const auto first = text.find_first_not_of(kSpace);
  return first == std::string::npos ? ""
                                    : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

std::vector<std::string> trimmed_lines(const std::filesystem::path& file) {
  const std::vector<std::uint8_t> bytes = read_bytes(file);
  std::istringstream stream(std::string(bytes.begin(), bytes.end()));
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(trim(line));
  }
  while (!lines.empty() && lines.back().empty()) {
    lines.pop_back();
  }
  return lines;
}

std::vector<ListEntry> read_list(const std::filesystem::path& file, const std::string& what) {
  std::vector<ListEntry> entries;
  std::map<std::string, int> first_line;
  int number = 0;
  for (const std::string& line : trimmed_lines(file)) {
    ++number;
    if (line.empty()) {
      continue;
    }
    const auto [first, is_new] = first_line.emplace(line, number);
    if (!is_new) {
      throw Error(ErrorCode::kInvalidValue, file.string() + ", line " + std::to_string(number) +
                                                ": '" + line + "' a second time, after line " +
                                                std::to_string(first->second));
    }
    entries.push_back({.name = line, .line = number});
  }
  if (entries.empty()) {
    throw Error(ErrorCode::kInvalidValue, file.string() + " is empty, expected " + what);
  }
  return entries;
}

}  // namespace cdfss
