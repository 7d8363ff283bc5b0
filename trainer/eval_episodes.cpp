#include "eval_measurement.h"
#include "eval_runs.h"
#include "eval_scores.h"
#include "program.h"
#include "progress_bar.h"

namespace cdfss {

Measurement measure_episodes(const EvalOptions& options) {
  MeasuredModel model = open_model(options.model, options.device);
  const auto dataset = open_dataset(options.dataset, FoldPart::kTest);
  const EpisodeEvaluationOptions evaluation = evaluation_options(options, model.info);
  const int wanted = options.runs * options.episodes;
  ProgressBar bar(wanted, "episodes");
  int done = 0;
  const auto runs = evaluate_runs(model.network, dataset, evaluation, options.runs, [&] {
    bar.update(++done);
    return !interrupted();
  });
  bar.clear();

  const SizedSummary summary = summarise(runs);
  Measurement measurement;
  measurement.complete = done == wanted;
  measurement.table = score_table(summary).text(options.table_style());
  nlohmann::json& report = measurement.report;
  put_scores(report, summary);
  put_settings(report, evaluation, model.device);
  report["dataset"] = options.dataset;
  report["episodes"] = options.episodes;  // a run
  report["runs"] = runs.size();
  report["episodes_measured"] = done;
  report["seconds_per_episode"] = seconds_of(runs) / done;
  return measurement;
}

}  // namespace cdfss
