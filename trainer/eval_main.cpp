// cdfss-eval: few-shot episodes of a dataset or of the paper's protocols, videos with their first
// mask given, and figures.
#include <iostream>

#include "eval_measurement.h"
#include "eval_options.h"
#include "program.h"
#include "report.h"
#include "text_file.h"
#include "version.h"

namespace cdfss {
namespace {

Measurement measure(const EvalOptions& options) {
  switch (options.mode()) {
    case EvalMode::kVideo:
      return measure_videos(options);
    case EvalMode::kTransfer:
      return measure_protocol(options);
    case EvalMode::kPaperTable:
      return measure_paper_table(options);
    case EvalMode::kPaperAblation:
      return measure_paper_ablation(options);
    case EvalMode::kClassList:
      return list_classes(options);
    case EvalMode::kMaskFigure:
      return draw_mask_figure(options);
    case EvalMode::kPrototypeFigure:
      return draw_prototype_figure(options);
    default:
      return measure_episodes(options);
  }
}

int evaluate(const EvalOptions& options) {
  if (!options.report.empty()) check_writable(options.report);
  if (!options.output.empty()) check_writable(options.output);
  catch_interrupt();
  Measurement measurement = measure(options);
  nlohmann::json& report = measurement.report;
  if (!report.contains("model") && options.mode() != EvalMode::kClassList) {
    report["model"] = (options.model.empty() ? options.backbone_weights : options.model).string();
  }
  report["version"] = CDFSS_VERSION;
  report["interrupted"] = !measurement.complete;

  (options.prints_json() ? std::cerr : std::cout) << measurement.table;
  if (options.prints_json()) std::cout << json_text(report);
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
  CLI::App app(
      "Measures few-shot segmentation: episodes of a dataset, the paper's cross-domain "
      "protocols and tables, or videos. Draws figures of masks and prototypes.",
      "cdfss-eval");
  cdfss::EvalOptions options;
  cdfss::add_options(app, options);
  return cdfss::run_program(app, argc, argv, [&] {
    cdfss::check_options(app, options);
    return cdfss::evaluate(options);
  });
}
