// How far a long job is: a bar on a terminal, else a log line now and then.
#pragma once

#include <chrono>
#include <string>

#include "progress_bar.h"

namespace cdfss {

class ProgressReport {
 public:
  // As ProgressBar.
  ProgressReport(int total, std::string unit, int before = 0);

  // On a terminal redraws the bar on stderr; otherwise logs a line, at most one in ten seconds.
  void update(int done, const std::string& note = {});
  // Logs a line, wiping the bar first.
  void say(const std::string& text);

  double seconds() const;  // since the start

 private:
  ProgressBar bar_;
  int total_, before_;
  std::string unit_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_, last_line_;
};

}  // namespace cdfss
