#include "eval_scores.h"

#include <gtest/gtest.h>

namespace cdfss {
namespace {

// At the network's size everything is .1 less.
EpisodeEvaluation run_of(double miou, double fb_iou, std::map<std::string, double> per_class) {
  EpisodeEvaluation run;
  run.miou = miou;
  run.fb_iou = fb_iou;
  run.per_class = std::move(per_class);
  run.network_size = run;
  run.network_size.miou -= 0.1;
  run.network_size.fb_iou -= 0.1;
  return run;
}

TEST(Summarise, IsMeanAndDeviationOverRuns) {
  const SizedSummary summary = summarise(std::vector<EpisodeEvaluation>{
      run_of(0.2, 0.5, {{"cow", 0.1}, {"bus", 0.3}}), run_of(0.4, 0.7, {{"cow", 0.5}})});
  EXPECT_NEAR(summary.original.miou.mean, 0.3, 1e-12);
  EXPECT_NEAR(summary.original.miou.deviation, 0.1414213562373095, 1e-12);  // sqrt(2 * .1^2)
  EXPECT_NEAR(summary.original.fb_iou.mean, 0.6, 1e-12);
  EXPECT_NEAR(summary.original.per_class.at("cow").mean, 0.3, 1e-12);
  EXPECT_NEAR(summary.original.per_class.at("bus").mean, 0.3, 1e-12);  // of the run that drew it
  EXPECT_EQ(summary.original.per_class.at("bus").deviation, 0);
  EXPECT_NEAR(summary.network.miou.mean, 0.2, 1e-12);
}

// Run 0: (.2 + .6) / 2 = .4; run 1: (.4 + .4) / 2 = .4; so no spread although each fold has one.
TEST(SummariseFolds, AveragesFoldsFirstAndThenRuns) {
  const SizedSummary summary =
      summarise_folds({{run_of(0.2, 0.3, {{"cow", 0.2}}), run_of(0.4, 0.3, {{"cow", 0.4}})},
                       {run_of(0.6, 0.5, {{"bus", 0.6}}), run_of(0.4, 0.7, {{"cow", 0.8}})}});
  EXPECT_NEAR(summary.original.miou.mean, 0.4, 1e-12);
  EXPECT_NEAR(summary.original.miou.deviation, 0, 1e-12);
  EXPECT_NEAR(summary.original.fb_iou.mean, 0.45, 1e-12);  // (.4 + .5) / 2
  EXPECT_NEAR(summary.original.fb_iou.deviation, 0.07071067811865475, 1e-12);
  EXPECT_NEAR(summary.original.per_class.at("cow").mean, 0.4, 1e-12);  // (.2 + (.4 + .8) / 2) / 2
  EXPECT_NEAR(summary.network.miou.mean, 0.3, 1e-12);
}

TEST(SummariseFolds, CountsOnlyRunsThatEveryFoldHas) {
  const SizedSummary summary =
      summarise_folds({{run_of(0.2, 0.2, {}), run_of(0.9, 0.9, {})}, {run_of(0.4, 0.4, {})}});
  EXPECT_NEAR(summary.original.miou.mean, 0.3, 1e-12);
  EXPECT_EQ(summarise_folds({}).original.miou.mean, 0);
}

TEST(PutScores, WritesBothSizes) {
  nlohmann::json report;
  put_scores(report, summarise(std::vector<EpisodeEvaluation>{run_of(0.5, 0.6, {{"cow", 0.5}})}));
  EXPECT_EQ(report["miou"], 0.5);
  EXPECT_EQ(report["miou_std"], 0);
  EXPECT_EQ(report["per_class"]["cow"], 0.5);
  EXPECT_EQ(report["per_class_std"]["cow"], 0);
  EXPECT_EQ(report["network_size"]["miou"], 0.4);
  EXPECT_EQ(report["network_size"]["fb_iou"], 0.5);
}

TEST(ScoreTable, EndsWithTheMeans) {
  const Table table = score_table(
      summarise(std::vector<EpisodeEvaluation>{run_of(0.5, 0.6, {{"bus", 0.25}, {"cow", 0.75}})}));
  EXPECT_EQ(table.text(),
            "class     IoU     +-  IoU, network size     +-\n"
            "bus     0.250  0.000              0.250  0.000\n"
            "cow     0.750  0.000              0.750  0.000\n"
            "mIoU    0.500  0.000              0.400  0.000\n"
            "FB-IoU  0.600  0.000              0.500  0.000\n");
}

}  // namespace
}  // namespace cdfss
