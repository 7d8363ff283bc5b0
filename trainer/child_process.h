// A program run as a child of this one.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cdfss {

// Runs `program` with `arguments` to its end, its output appended to `log`. It stays in this
// process's group, so that Ctrl-C reaches both; what interrupts this process alone is passed on.
// Returns its exit status, 128 + N when signal N ended it. Throws Error(kNotFound | kUnreadable)
// naming the program or the log.
int run_child(const std::filesystem::path& program, const std::vector<std::string>& arguments,
              const std::filesystem::path& log);

// The program of this name that lies beside the one that runs.
std::filesystem::path sibling_program(const std::string& name);

}  // namespace cdfss
