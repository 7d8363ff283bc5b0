// What is in a folder, in an order that does not depend on the file system.
#pragma once

#include <filesystem>
#include <set>

namespace cdfss {

// Throws Error(kNotFound) if `folder` is not a folder.
void require_folder(const std::filesystem::path& folder);

// Paths of the folder's files and sub-folders by name, without those that begin with a dot. Throws
// Error(kNotFound) if it is not a folder, (kUnreadable) if it cannot be listed.
std::set<std::filesystem::path> entries_of(const std::filesystem::path& folder);

}  // namespace cdfss
