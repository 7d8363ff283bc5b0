#include "progress_report.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <utility>

namespace cdfss {
namespace {

constexpr std::chrono::seconds kLineInterval{10};

}  // namespace

ProgressReport::ProgressReport(int total, std::string unit, int before)
    : bar_(total, unit, before),
      total_(total),
      before_(before),
      unit_(std::move(unit)),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      last_line_(start_) {}

double ProgressReport::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void ProgressReport::update(int done, const std::string& note) {
  bar_.update(done, note);
  const auto now = std::chrono::steady_clock::now();
  if (terminal_ || now - last_line_ < kLineInterval) return;
  last_line_ = now;
  spdlog::info("{}  {}", progress_line(done, total_, unit_, seconds(), before_), note);
}

void ProgressReport::say(const std::string& text) {
  bar_.clear();
  spdlog::info("{}", text);
}

}  // namespace cdfss
