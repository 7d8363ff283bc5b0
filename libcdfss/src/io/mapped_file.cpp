#include "io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "cdfss/error.h"

namespace cdfss {
namespace {

// Owns the descriptor during the constructor; the mapping outlives it.
struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

[[noreturn]] void fail(const std::filesystem::path& file, int error) {
  const bool missing = error == ENOENT || error == ENOTDIR;
  throw Error(missing ? ErrorCode::kNotFound : ErrorCode::kUnreadable,
              file.string() + ": " + std::generic_category().message(error));
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& file) {
  // Without O_NONBLOCK, opening a FIFO would wait for its writer.
  const Descriptor descriptor{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (descriptor.value < 0) fail(file, errno);
  struct stat status{};
  if (::fstat(descriptor.value, &status) != 0) fail(file, errno);
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::kUnreadable, file.string() + ": expected a regular file" +
                                            (S_ISDIR(status.st_mode) ? ", is a directory" : ""));
  }
  if (status.st_size == 0) return;  // mmap refuses an empty range
  const auto size = static_cast<std::size_t>(status.st_size);
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor.value, 0);
  if (data == MAP_FAILED) fail(file, errno);
  data_ = static_cast<std::byte*>(data);
  size_ = size;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace cdfss
