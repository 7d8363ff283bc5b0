// Runs the built programs as a user does.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "../unit/io_test_support.h"

namespace cdfss::testing {

struct ProcessResult {
  int exit_code = -1;  // 128 + signal when a signal ended it, as in a shell
  std::string output;  // standard output
  std::string errors;  // standard error
};

// A single word for the shell.
inline std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

// `name` is relative to the build folder: "trainer/cdfss-eval".
inline std::string program(const std::string& name) {
  const char* build = std::getenv("CDFSS_BUILD_DIR");
  if (build == nullptr) throw std::runtime_error("CDFSS_BUILD_DIR is not set: run by meson test");
  return quoted((std::filesystem::path(build) / name).string());
}

// A shell command; its streams are read back when it has ended.
inline ProcessResult run_shell(const std::string& command) {
  TemporaryFolder folder;
  const std::string out = folder / "out";
  const std::string err = folder / "err";
  const int status =
      std::system(("( " + command + " ) >" + quoted(out) + " 2>" + quoted(err)).c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_bytes(out),
          read_bytes(err)};
}

inline ProcessResult run(const std::string& name, const std::vector<std::string>& arguments) {
  std::string command = program(name);
  for (const std::string& argument : arguments) command.append(" ").append(quoted(argument));
  return run_shell(command);
}

}  // namespace cdfss::testing
