#include "metrics_file.h"

#include <sstream>
#include <string>
#include <utility>

#include "cdfss/error.h"
#include "text_file.h"

namespace cdfss {

std::vector<nlohmann::json> read_metrics(const std::filesystem::path& file) {
  std::vector<nlohmann::json> records;
  if (!std::filesystem::exists(file)) return records;
  std::string text = read_text_file(file);
  text.resize(text.rfind('\n') + 1);  // npos + 1: nothing is left
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    nlohmann::json record = nlohmann::json::parse(line, nullptr, false);
    if (!record.is_object() || !record.contains("step") || !record["step"].is_number_integer()) {
      throw Error(ErrorCode::kUnreadable, file.string() + ": line " +
                                              std::to_string(records.size() + 1) +
                                              " is not the metrics of a step");
    }
    records.push_back(std::move(record));
  }
  return records;
}

int cut_metrics(const std::filesystem::path& file, int step, int validated_step) {
  std::string kept;
  int steps = 0;
  for (const nlohmann::json& record : read_metrics(file)) {
    const bool validation = record.contains("validation_miou");
    if (record["step"].get<int>() > (validation ? validated_step : step)) continue;
    kept += record.dump() + '\n';
    steps += validation ? 0 : 1;
  }
  write_text_file(file, kept);
  return steps;
}

}  // namespace cdfss
