#include "program.h"

#include <c10/util/Exception.h>

#include <csignal>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cdfss/error.h"
#include "version.h"

namespace cdfss {
namespace {

volatile std::sig_atomic_t interrupt_seen = 0;  // the signal

void on_interrupt(int signal) {
  interrupt_seen = signal;
  std::signal(signal, SIG_DFL);
}

int fail(const CLI::App& app, const std::string& message, int code) {
  std::cerr << app.get_name() << ": " << message << '\n';
  return code;
}

// Model files, reports and configurations are text, which holds the command line.
bool is_utf8(const std::string& text) {
  try {
    nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

}  // namespace

int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body,
                const std::string& configuration) {
  app.set_version_flag("--version", app.get_name() + " " CDFSS_VERSION " (" CDFSS_GIT_REVISION ")");
  app.set_config("--config", configuration, "File of options, one a line: name = value");
  for (int i = 1; i < argc; ++i) {
    if (is_utf8(argv[i])) continue;
    return fail(app, "argument " + std::to_string(i) + ", '" + argv[i] + "', is not UTF-8",
                kExitUsage);
  }
  try {
    app.parse(argc, argv);
    return body();
  } catch (const CLI::Success& e) {  // --help, --version
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    fail(app, e.what(), kExitUsage);
    std::cerr << "Run with --help for the options.\n";
    return kExitUsage;
  } catch (const Error& e) {
    return fail(app, e.what(), kExitFailed);
  } catch (const c10::Error& e) {
    return fail(app, e.what_without_backtrace(), kExitFailed);
  } catch (const std::exception& e) {
    return fail(app, e.what(), kExitFailed);
  }
}

void catch_interrupt() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

bool interrupted() { return interrupt_seen != 0; }

int interrupt_exit_code() { return interrupted() ? 128 + interrupt_seen : kExitDone; }

}  // namespace cdfss
