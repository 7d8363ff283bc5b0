// Where the golden values lie, and a fixture that skips without them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace cdfss {

// The folder CDFSS_GOLDEN_DIR names, else `golden` in CDFSS_SHARED_DIR; empty if neither is set.
inline std::filesystem::path golden_folder() {
  if (const char* golden = std::getenv("CDFSS_GOLDEN_DIR")) return golden;
  if (const char* shared = std::getenv("CDFSS_SHARED_DIR")) {
    return std::filesystem::path(shared) / "golden";
  }
  return {};
}

// The folder's .safetensors files whose name begins with `prefix`, sorted.
inline std::vector<std::filesystem::path> golden_files(const std::string& prefix) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(golden_folder())) {
    const auto& path = entry.path();
    if (path.extension() == ".safetensors" && path.filename().string().starts_with(prefix)) {
      files.push_back(path);
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Skips every test of a machine without golden values; a folder that was asked for must exist.
class GoldenTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::filesystem::is_directory(golden_folder())) return;
    if (std::getenv("CDFSS_GOLDEN_DIR") != nullptr) {
      FAIL() << "CDFSS_GOLDEN_DIR names no folder: " << golden_folder();
    }
    GTEST_SKIP() << "no golden values in " << golden_folder()
                 << "; set CDFSS_GOLDEN_DIR or CDFSS_SHARED_DIR";
  }

  // golden_files(), with a message when there are none; the caller returns on an empty answer.
  static std::vector<std::filesystem::path> files_or_skip(const std::string& prefix) {
    auto files = golden_files(prefix);
    if (files.empty()) {
      [&] { GTEST_SKIP() << "no " << prefix << "*.safetensors in " << golden_folder(); }();
    }
    return files;
  }
};

}  // namespace cdfss
