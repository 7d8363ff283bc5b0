// metrics.jsonl, read back.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

namespace cdfss {

// One object a line; a last line that was not written whole is left out. A missing file counts as
// empty. Throws Error(kUnreadable) naming the file and the line that is no metrics line.
std::vector<nlohmann::json> read_metrics(const std::filesystem::path& file);

// Leaves the lines of steps up to `step` and of validations up to `validated_step`, so that no
// later step is there twice once it is done again. Replaces the file atomically. Returns how many
// steps have lines then. Throws as read_metrics.
int cut_metrics(const std::filesystem::path& file, int step, int validated_step);

}  // namespace cdfss
