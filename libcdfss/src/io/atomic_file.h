// A file that appears whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>

namespace cdfss {

// Writes to a temporary file beside `target`; commit() syncs it and renames it into place, so that
// a reader, or a power cut, sees the old file or the whole new one. Without commit() the temporary
// file is removed and the old file is untouched. Every failure is Error(kUnreadable) naming
// `target` and the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t size);
  void commit();  // at most once, nothing may be written after

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

}  // namespace cdfss
