#include "stoppable_progress.h"

#include <memory>
#include <optional>

#include "program.h"
#include "progress_report.h"

namespace cdfss {

std::function<bool(int, int)> stoppable_progress(const std::string& unit) {
  // Shared, because std::function copies; made when the total is known.
  const auto report = std::make_shared<std::optional<ProgressReport>>();
  return [report, unit](int done, int total) {
    if (!report->has_value()) report->emplace(total, unit);
    (*report)->update(done);
    return !interrupted();
  };
}

}  // namespace cdfss
