#include "progress_bar.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <utility>

namespace cdfss {
namespace {

constexpr int kWidth = 24;  // characters between the brackets
constexpr std::chrono::milliseconds kInterval{100};

std::string clock_text(double seconds) {
  const auto whole = static_cast<long>(std::llround(seconds));
  char text[32];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  }
  return text;
}

}  // namespace

std::string progress_line(int done, int total, const std::string& unit, double seconds,
                          int before) {
  const int filled = total > 0 ? static_cast<int>(std::int64_t{kWidth} * done / total) : 0;
  std::string line = std::to_string(done) + "/" + std::to_string(total) + " " + unit + " [" +
                     std::string(filled, '#') + std::string(kWidth - filled, ' ') + "]";
  if (done > before && seconds > 0) {
    const double rate = (done - before) / seconds;
    char text[32];
    std::snprintf(text, sizeof text, " %.*f/s, ", rate < 10 ? 2 : 0, rate);
    line += text + clock_text((total - done) / rate) + " left";
  }
  return line;
}

ProgressBar::ProgressBar(int total, std::string unit, int before)
    : total_(total),
      before_(before),
      unit_(std::move(unit)),
      visible_(isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()) {}

ProgressBar::~ProgressBar() { clear(); }

void ProgressBar::update(int done, const std::string& note) {
  const auto now = std::chrono::steady_clock::now();
  if (!visible_ || (now - drawn_ < kInterval && done < total_)) return;
  drawn_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  std::string line = progress_line(done, total_, unit_, seconds, before_);
  if (!note.empty()) line += "  " + note;
  std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
  std::fflush(stderr);
}

void ProgressBar::clear() {
  if (!visible_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
}

}  // namespace cdfss
