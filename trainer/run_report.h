// report.html: a training run at a glance.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sample_predictions.h"

namespace cdfss {

// One self-contained HTML page: what run.json (`record`) says, the curves of metrics.jsonl
// (`metrics`, one object a line) and the samples.
std::string run_report(const nlohmann::json& record, const std::vector<nlohmann::json>& metrics,
                       const std::vector<SamplePrediction>& samples);

}  // namespace cdfss
