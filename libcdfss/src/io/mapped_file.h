// A file's bytes as memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace cdfss {

// Maps a regular file for as long as the object lives. The mapping is private: writing to it
// changes this process's copy only, never the file. A file that another program shortens in place
// meanwhile cannot be read any more (SIGBUS); one replaced by renaming, as AtomicFile does, stays
// whole.
class MappedFile {
 public:
  // Throws Error(kNotFound), or Error(kUnreadable) for anything but a readable regular file.
  explicit MappedFile(const std::filesystem::path& file);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<std::byte> bytes() const { return {data_, size_}; }  // page-aligned; empty file = empty

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace cdfss
