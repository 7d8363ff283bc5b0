#include "feature_store.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "cdfss/error.h"

namespace cdfss {
namespace {

constexpr std::size_t kPage = 4096;  // records start on pages, for prefetch()

[[noreturn]] void fail(const std::filesystem::path& folder, std::size_t bytes, int error) {
  throw Error(ErrorCode::kUnreadable, folder.string() + ": cannot make a feature cache of " +
                                          std::to_string(bytes >> 20) +
                                          " MiB: " + std::strerror(error));
}

}  // namespace

FeatureStore::FeatureStore(const std::filesystem::path& folder, std::int64_t count, int channels,
                           int feature_side, int label_side)
    : channels_(channels),
      feature_side_(feature_side),
      label_side_(label_side),
      feature_bytes_(sizeof(at::Half) * channels * feature_side * feature_side),
      record_bytes_((feature_bytes_ + std::size_t(label_side) * label_side + kPage - 1) / kPage *
                    kPage),
      total_bytes_(record_bytes_ * count) {
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

std::uint8_t* FeatureStore::record(std::int64_t index) const {
  return data_ + record_bytes_ * static_cast<std::size_t>(index);
}

at::Tensor FeatureStore::features(std::int64_t index) const {
  return at::from_blob(record(index), {feature_side_, feature_side_, channels_}, at::kHalf);
}

at::Tensor FeatureStore::label(std::int64_t index) const {
  return at::from_blob(record(index) + feature_bytes_, {label_side_, label_side_}, at::kByte);
}

void FeatureStore::prefetch(std::int64_t index) const {
  madvise(record(index), record_bytes_, MADV_WILLNEED);
}

}  // namespace cdfss
