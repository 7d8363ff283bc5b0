// What the command-line programs share: exit codes, how errors are printed, Ctrl-C.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace cdfss {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

// Adds --version and --config to `app`, parses the command line, then runs `body`, whose result is
// the exit code. --help and --version end with kExitDone. What `body` throws is printed on one line
// of stderr after the program's name: CLI::ParseError (an option that does not fit the others) and
// bad options, an argument that is not UTF-8 among them, give kExitUsage, everything else
// kExitFailed. Without --config, options that are not on the command line are read from the file
// `configuration`, if any.
int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body,
                const std::string& configuration = "");

// From here on Ctrl-C (SIGINT, SIGTERM) makes interrupted() true instead of ending the program; the
// second one ends it.
void catch_interrupt();
bool interrupted();
// 128 + the signal that was caught, as a shell has it; kExitDone if there was none.
int interrupt_exit_code();

}  // namespace cdfss
