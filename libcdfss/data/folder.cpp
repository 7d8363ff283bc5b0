#include "data/folder.h"

#include <string>

#include "cdfss/error.h"

namespace cdfss {

namespace fs = std::filesystem;

void require_folder(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    throw Error(ErrorCode::kNotFound,
                folder.string() + (fs::exists(folder, error) ? " is not a folder, expected one"
                                                             : " does not exist"));
  }
}

std::set<fs::path> entries_of(const fs::path& folder) {
  require_folder(folder);
  std::set<fs::path> entries;
  std::error_code error;
  fs::directory_iterator iterator(folder, error);
  for (; !error && iterator != fs::directory_iterator(); iterator.increment(error)) {
    if (!iterator->path().filename().string().starts_with('.')) {
      entries.insert(iterator->path());
    }
  }
  if (error) {
    throw Error(ErrorCode::kUnreadable, folder.string() + " cannot be listed: " + error.message());
  }
  return entries;
}

}  // namespace cdfss
