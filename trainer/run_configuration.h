// The options of a training run as a file that --config reads back.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

namespace cdfss {

// Every option of a parsed command line with its value, defaults included, in CLI11's TOML. Left
// out are options that have no value, and those that a given one excludes.
std::string effective_configuration(const CLI::App& app);

// Throws Error(kInvalidValue) naming each option that `now` sets to something else than `stored`,
// with both values, and `source`, where `stored` is from. Not compared is what leaves every step
// the same: output, export, max-seconds, checkpoint-every, loader-threads, what the machine is used
// with (device, threads), and steps and epochs, of which the caller compares the outcome.
void require_same_configuration(const std::string& stored, const std::string& now,
                                const std::filesystem::path& source);
// Throws Error(kInvalidValue) naming each option that a process has set to something else than the
// first, with both values. `configurations` are theirs in the order of ranks. Compared are also
// steps and epochs.
void require_same_processes(const std::vector<std::string>& configurations);

// Where the options that a command line leaves out come from: the config.toml in the folder that
// --output names, if --resume is given and there is one; else empty.
std::string resumed_configuration(int argc, const char* const* argv);

}  // namespace cdfss
