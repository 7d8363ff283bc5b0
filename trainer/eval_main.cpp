// cdfss-eval: few-shot episodes of a dataset, or videos with their first mask given.
#include <iostream>

#include "eval_measurement.h"
#include "eval_options.h"
#include "program.h"
#include "report.h"
#include "version.h"

namespace cdfss {
namespace {

int evaluate(const EvalOptions& options) {
  if (!options.report.empty()) check_writable(options.report);
  catch_interrupt();
  Measurement measurement =
      options.on_video() ? measure_videos(options) : measure_episodes(options);
  nlohmann::json& report = measurement.report;
  report["model"] =
      (options.model.empty() ? options.backbone_weights : options.model).string();
  report["version"] = CDFSS_VERSION;
  report["interrupted"] = !measurement.complete;

  (options.json ? std::cerr : std::cout) << measurement.table;
  if (options.json) std::cout << report.dump(2) << '\n';
  if (!options.report.empty()) write_report(options.report, report);
  if (!measurement.complete) {
    std::cerr << "cdfss-eval: interrupted; the numbers are of what was measured until then\n";
    return kExitFailed;
  }
  return kExitDone;
}

}  // namespace
}  // namespace cdfss

int main(int argc, char** argv) {
  CLI::App app("Measures few-shot segmentation: episodes of a dataset, or videos.", "cdfss-eval");
  cdfss::EvalOptions options;
  cdfss::add_options(app, options);
  return cdfss::run_program(app, argc, argv, [&] {
    cdfss::check_options(app, options);
    return cdfss::evaluate(options);
  });
}
