#include "run_record.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <cstdint>
#include <ctime>
#include <fstream>

#include "cdfss/error.h"
#include "text_file.h"
#include "version.h"

namespace cdfss {
namespace {

// FNV-1a, 64 bits.
class Hash {
 public:
  void add(const std::string& text) {
    for (const char c : text + '\0') {
      value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
  }
  std::string text() const {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(value_));
    return digits;
  }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

}  // namespace

nlohmann::json run_environment(at::Device device) {
  return {{"version", CDFSS_VERSION},
          {"git_revision", CDFSS_GIT_REVISION},
          {"libtorch", TORCH_VERSION},
          {"device", device.str()},
          {"threads", at::get_num_threads()}};
}

std::vector<std::string> environment_changes(const nlohmann::json& then,
                                             const nlohmann::json& now) {
  std::vector<std::string> changes;
  for (const auto& [name, value] : now.items()) {
    const nlohmann::json before = then.is_object() ? then.value(name, nlohmann::json()) : then;
    if (before == value) continue;
    changes.push_back(name + ": " + before.dump() + " then, " + value.dump() + " now");
  }
  return changes;
}

nlohmann::json dataset_summary(const Dataset& dataset) {
  int images = 0;
  for (int i = 0; i < dataset.size(); ++i) images += dataset.classes_in(i).empty() ? 0 : 1;
  return {{"images", images}, {"classes", dataset.classes()}};
}

std::string dataset_fingerprint(const Dataset& dataset) {
  Hash hash;
  for (const std::string& name : dataset.classes()) hash.add(name);
  for (int i = 0; i < dataset.size(); ++i) {
    hash.add(dataset.name(i));
    for (const int class_id : dataset.classes_in(i)) hash.add(std::to_string(class_id));
  }
  return hash.text();
}

void write_run_record(const std::filesystem::path& file, const nlohmann::json& record) {
  write_text_file(file, json_text(record));
}

void add_resumption(const std::filesystem::path& file, const nlohmann::json& resumption) {
  nlohmann::json record = nlohmann::json::parse(read_text_file(file), nullptr, false);
  if (!record.is_object()) {
    throw Error(ErrorCode::kUnreadable, file.string() + " is not the record of a training run");
  }
  record["resumed"].push_back(resumption);
  write_run_record(file, record);
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace cdfss
