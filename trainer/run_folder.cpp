#include "run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "cdfss/error.h"

namespace cdfss {
namespace {

constexpr const char* kRunFiles[] = {kStateFile,        kConfigurationFile, kRecordFile,
                                     kMetricsFile,      kReportFile,        "last.safetensors",
                                     "best.safetensors"};

}  // namespace

RunFolder::RunFolder(const std::filesystem::path& path, bool resume) : path_(path) {
  std::error_code failure;
  std::filesystem::create_directories(path_, failure);
  if (failure) {
    throw Error(ErrorCode::kInvalidValue,
                "--output " + path_.string() + " cannot be made a folder: " + failure.message());
  }
  std::string found;
  for (const char* name : kRunFiles) {
    if (found.empty() && has(name)) found = name;
  }
  if (!found.empty() && !resume) {
    throw Error(ErrorCode::kInvalidValue,
                path_.string() + " holds a training run already (" + found +
                    "): continue it with --resume, or choose another --output, or delete it first");
  }
  if (!found.empty() && !has(kStateFile) && !has(kConfigurationFile)) {
    throw Error(ErrorCode::kInvalidValue, path_.string() + " holds " + found + ", but neither " +
                                              kStateFile + " nor " + kConfigurationFile +
                                              ", which --resume continues from");
  }
  // A checkpoint is the state, then the model.
  if (resume && !has(kStateFile) && has("last.safetensors")) {
    throw Error(ErrorCode::kInvalidValue,
                path_.string() + " holds the model of a checkpoint, but not its " + kStateFile +
                    ", which --resume continues from: put it back, or choose another --output");
  }
  lock();
  remove_unfinished();
}

RunFolder::~RunFolder() {
  if (descriptor_ >= 0) close(descriptor_);
}

void RunFolder::lock() {
  descriptor_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // A file system without locks is no reason not to train.
  if (descriptor_ < 0 || flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  close(descriptor_);
  throw Error(ErrorCode::kInvalidValue,
              path_.string() + " is in use: another process is training there");
}

void RunFolder::remove_unfinished() const {
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    const std::string name = entry.path().filename().string();
    for (const char* file : kRunFiles) {
      if (name.starts_with(std::string(file) + ".tmp-")) std::filesystem::remove(entry.path());
    }
  }
}

}  // namespace cdfss
