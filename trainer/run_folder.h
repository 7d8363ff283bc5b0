// The folder of a training run: what lies in it, and who may write there.
#pragma once

#include <filesystem>
#include <string_view>

namespace cdfss {

inline constexpr const char* kStateFile = "state.safetensors";  // all that --resume needs
inline constexpr const char* kConfigurationFile = "config.toml";
inline constexpr const char* kRecordFile = "run.json";
inline constexpr const char* kMetricsFile = "metrics.jsonl";
inline constexpr const char* kReportFile = "report.html";

// Held by one process at a time.
class RunFolder {
 public:
  // Makes the folder if it is missing. Throws Error(kInvalidValue) when it holds a run and `resume`
  // is false, when it holds files of a run but neither its state nor its configuration, or a
  // checkpoint's model without its state, and `resume` is true, and when another process holds it;
  // std::filesystem::filesystem_error when it cannot be made. What an ended process left
  // half-written is removed.
  RunFolder(const std::filesystem::path& path, bool resume);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  bool has(std::string_view name) const { return std::filesystem::exists(path_ / name); }

 private:
  void lock();
  void remove_unfinished() const;

  std::filesystem::path path_;
  int descriptor_ = -1;  // of the folder, locked
};

}  // namespace cdfss
