// The progress of a job that Ctrl-C stops.
#pragma once

#include <functional>
#include <string>

namespace cdfss {

// Shows done and total `unit` whenever it is called; false once a signal was caught.
std::function<bool(int done, int total)> stoppable_progress(const std::string& unit);

}  // namespace cdfss
