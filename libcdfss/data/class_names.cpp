#include "data/class_names.h"

#include <algorithm>

#include "cdfss/error.h"
#include "data/text_lines.h"

namespace cdfss {
namespace {

constexpr std::size_t kMaximumLines = 255;

}  // namespace

std::vector<std::string> read_class_names(const std::filesystem::path& file) {
  const auto fail = [&](std::size_t line, const std::string& what) {
    return Error(ErrorCode::kInvalidValue, file.string() + ", line " + std::to_string(line + 1) +
                                               ": " + what +
                                               ", expected one class name a line, `-` for an "
                                               "unused index, the background first");
  };
  std::vector<std::string> names = trimmed_lines(file);
  if (names.size() > kMaximumLines) {
    throw fail(kMaximumLines, "more than 255 indices");
  }
  for (std::size_t index = 0; index < names.size(); ++index) {
    if (names[index].empty()) {
      throw fail(index, "an empty line");
    }
    if (index == 0 || names[index] == "-") {
      names[index].clear();
    } else if (std::find(names.begin(), names.begin() + index, names[index]) !=
               names.begin() + index) {
      throw fail(index, "'" + names[index] + "' a second time");
    }
  }
  if (std::ranges::all_of(names, &std::string::empty)) {
    throw fail(names.size(), "no class");
  }
  return names;
}

}  // namespace cdfss
