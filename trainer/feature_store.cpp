#include "feature_store.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "cdfss/error.h"

namespace cdfss {
namespace {

constexpr std::size_t kPage = 4096;  // fields start on pages, for prefetch()

std::size_t in_pages(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

[[noreturn]] void fail(const std::filesystem::path& folder, std::size_t bytes, int error) {
  throw Error(ErrorCode::kUnreadable, folder.string() + ": cannot make a feature cache of " +
                                          std::to_string(bytes >> 20) +
                                          " MiB: " + std::strerror(error));
}

}  // namespace

FeatureStore::FeatureStore(const std::filesystem::path& folder, std::int64_t count,
                           std::vector<Field> fields)
    : fields_(std::move(fields)), offsets_{0} {
  for (const Field& field : fields_) {
    const auto values = static_cast<std::size_t>(c10::multiply_integers(field.sizes));
    offsets_.push_back(offsets_.back() + in_pages(values * c10::elementSize(field.type)));
  }
  total_bytes_ = offsets_.back() * static_cast<std::size_t>(count);
  std::string name = (folder / "features.XXXXXX").string();
  const int file = mkstemp(name.data());
  if (file < 0) fail(folder, total_bytes_, errno);
  unlink(name.c_str());
  // Reserved now: a disk that fills up later would end the program by a signal.
  const int error = posix_fallocate(file, 0, static_cast<off_t>(total_bytes_));
  void* data = error == 0 ? mmap(nullptr, total_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
                          : MAP_FAILED;
  const int map_error = error == 0 ? errno : error;
  close(file);
  if (data == MAP_FAILED) fail(folder, total_bytes_, map_error);
  data_ = static_cast<std::uint8_t*>(data);
}

FeatureStore::~FeatureStore() { munmap(data_, total_bytes_); }

std::uint8_t* FeatureStore::address(std::int64_t index, std::size_t field) const {
  return data_ + offsets_.back() * static_cast<std::size_t>(index) + offsets_[field];
}

at::Tensor FeatureStore::field(std::int64_t index, std::size_t field) const {
  return at::from_blob(address(index, field), fields_[field].sizes, fields_[field].type);
}

void FeatureStore::prefetch(std::int64_t index, std::size_t field) const {
  madvise(address(index, field), offsets_[field + 1] - offsets_[field], MADV_WILLNEED);
}

}  // namespace cdfss
