// A one-line progress bar with rate and time left.
#pragma once

#include <chrono>
#include <string>

namespace cdfss {

// Draws on stderr, and only when that is a terminal; otherwise it does nothing. The line is wiped
// when the bar ends, so that what is printed next starts clean.
class ProgressBar {
 public:
  // `unit` is what is counted, in the plural: "episodes". `before` of them were done earlier.
  ProgressBar(int total, std::string unit, int before = 0);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // `note` is shown behind the bar: a loss, a score. Redraws at most ten times a second.
  void update(int done, const std::string& note = {});
  // Wipes the line; the next update draws it again.
  void clear();

 private:
  int total_, before_;
  std::string unit_;
  bool visible_;
  std::chrono::steady_clock::time_point start_, drawn_;
};

// "480/1000 episodes [####    ] 1.9/s, 4:31 left"; without rate and time before the first one.
// `before` of those done took none of the `seconds`.
std::string progress_line(int done, int total, const std::string& unit, double seconds,
                          int before = 0);

}  // namespace cdfss
