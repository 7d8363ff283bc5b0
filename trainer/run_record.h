// run.json: what a training run was made from, and by which processes.
#pragma once

#include <c10/core/Device.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace cdfss {

// What a process computes with, as far as it can change the last bits of a result:
// {"version", "git_revision", "libtorch", "device", "threads"}.
nlohmann::json run_environment(at::Device device);
// "threads: 8 then, 4 now" for each entry of two environments that differs.
std::vector<std::string> environment_changes(const nlohmann::json& then, const nlohmann::json& now);

// {"images": with at least one of the classes, "classes": [names]}.
nlohmann::json dataset_summary(const Dataset& dataset);
// Of all that decides which episodes there are: image names and the classes in them.
std::string dataset_fingerprint(const Dataset& dataset);

// Both replace the file atomically and throw Error(kUnreadable) naming it.
void write_run_record(const std::filesystem::path& file, const nlohmann::json& record);
// Adds a process that went on with the run to the file's list "resumed"; also throws when the file
// is not such a record.
void add_resumption(const std::filesystem::path& file, const nlohmann::json& resumption);

// The time in UTC, "2026-01-31T12:00:00Z".
std::string utc_now();

}  // namespace cdfss
