// The text files of a training run: configuration, metrics, report.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "html_text.h"
#include "io_test_support.h"
#include "metrics_file.h"
#include "progress_bar.h"
#include "run_configuration.h"
#include "run_record.h"
#include "run_report.h"
#include "running_mean.h"
#include "svg_chart.h"
#include "train_options.h"
#include "training_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::read_bytes;
using testing::SquaresDataset;
using testing::TemporaryFolder;
using testing::write_bytes;

std::string configuration_of(std::vector<std::string> arguments, const std::string& file = "") {
  CLI::App app;
  TrainOptions options;
  TrainOptionTexts texts;
  add_train_options(app, options, texts);
  app.set_config("--config", file);
  std::ranges::reverse(arguments);  // as CLI11 wants them
  app.parse(arguments);
  finish_options(options, texts);
  return effective_configuration(app);
}

TEST(RunConfiguration, ReadsBackAsItself) {
  TemporaryFolder folder;
  const std::vector<std::vector<std::string>> cases{
      {},
      {"--steps", "9", "--balance-classes", "--held-out", "5,2", "--data", "folder:a b,c=\"d\""},
      {"--epochs", "3", "--export", "x y", "--memory-layers", "none", "--learning-rate", "2e-5"}};
  for (std::vector<std::string> arguments : cases) {
    arguments.insert(arguments.end(), {"--data", "folder:d", "--output", "o"});
    const std::string configuration = configuration_of(arguments);
    write_bytes(folder / "c.toml", configuration);
    EXPECT_EQ(configuration_of({}, folder / "c.toml"), configuration);
  }
}

TEST(RunConfiguration, HoldsStepsOrEpochs) {
  const auto holds = [](std::vector<std::string> arguments, const std::string& line) {
    arguments.insert(arguments.end(), {"--data", "folder:d", "--output", "o"});
    return ("\n" + configuration_of(arguments)).find("\n" + line) != std::string::npos;
  };
  EXPECT_TRUE(holds({}, "epochs=20\n"));
  EXPECT_FALSE(holds({}, "steps="));
  EXPECT_TRUE(holds({"--steps", "7"}, "steps=7\n"));
  EXPECT_FALSE(holds({"--steps", "7"}, "epochs="));
}

TEST(RunConfiguration, NamesEveryDifference) {
  const std::string stored = configuration_of({"--data", "folder:d", "--output", "o"});
  const auto compare = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--data", "folder:d", "--output", "elsewhere"});
    require_same_configuration(stored, configuration_of(more), "file");
  };
  EXPECT_NO_THROW(compare({"--learning-rate", "25e-4", "--max-seconds", "5", "--threads", "7",
                           "--device", "cpu", "--checkpoint-every", "3", "--loader-threads", "9"}));
  expect_error(ErrorCode::kInvalidValue,
               {"file", "--batch: 12 in the run, 6 now", "--held-out: nothing in the run, 5 2 now",
                "--balance-classes: false in the run, true now"},
               [&] { compare({"--batch", "6", "--held-out", "5,2", "--balance-classes"}); });
}

TEST(RunConfiguration, IsTakenFromTheRunThatIsResumed) {
  TemporaryFolder folder;
  write_bytes(folder / "config.toml", "");
  const std::string output = folder / "";
  const auto found = [&](std::vector<const char*> words) {
    words.insert(words.begin(), "cdfss-train");
    return resumed_configuration(static_cast<int>(words.size()), words.data());
  };
  EXPECT_EQ(found({"--data", "x", "--resume", "--output", output.c_str()}),
            (folder / "config.toml").string());
  EXPECT_EQ(found({"--output", output.c_str()}), "");
  EXPECT_EQ(found({"--resume", "--output", "nowhere"}), "");
  EXPECT_EQ(found({"--resume", "--output"}), "");
}

TEST(Metrics, AreCutAfterTheCheckpoint) {
  TemporaryFolder folder;
  const std::filesystem::path file = folder / "metrics.jsonl";
  EXPECT_EQ(cut_metrics(file, 5, 5), 0);
  const std::string kept =
      "{\"loss\":0.1,\"step\":1}\n"
      "{\"step\":1,\"validation_miou\":0.5}\n"
      "{\"loss\":0.3,\"step\":2}\n";
  write_bytes(file, kept + "{\"step\":2,\"validation_miou\":0.6}\n{\"loss\":1,\"step\":3}\n{\"los");
  EXPECT_EQ(cut_metrics(file, 2, 1), 2);
  EXPECT_EQ(read_bytes(file), kept);
  EXPECT_EQ(read_metrics(file).size(), 3U);
  write_bytes(file, "{\"loss\":0.1,\"step\":1}\nsteps\n{\"loss\":0.1,\"step\":2}\n");
  expect_error(ErrorCode::kUnreadable, {"metrics.jsonl", "line 2"}, [&] { read_metrics(file); });
}

TEST(RunRecord, TheFingerprintIsOfNamesAndClasses) {
  const std::string nine = dataset_fingerprint(SquaresDataset(9));
  EXPECT_EQ(dataset_fingerprint(SquaresDataset(9)), nine);
  EXPECT_NE(dataset_fingerprint(SquaresDataset(8)), nine);
  EXPECT_EQ(dataset_summary(SquaresDataset(4)),
            nlohmann::json::parse(R"({"images": 4, "classes": ["red", "green", "blue"]})"));
}

TEST(RunRecord, NamesWhatHasChanged) {
  const nlohmann::json then{{"threads", 2}, {"device", "cpu"}};
  EXPECT_TRUE(environment_changes(then, then).empty());
  EXPECT_EQ(environment_changes(then, {{"threads", 4}, {"device", "cpu"}}),
            (std::vector<std::string>{"threads: 2 then, 4 now"}));
}

TEST(RoundTicks, CoverTheRange) {
  EXPECT_EQ(round_ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(round_ticks(3, 47, 5), (std::vector<double>{0, 10, 20, 30, 40, 50}));
  const std::vector<double> small = round_ticks(-0.0011, 0.0029, 4);
  ASSERT_EQ(small.size(), 6U);
  EXPECT_NEAR(small.front(), -0.002, 1e-12);
  EXPECT_NEAR(small.back(), 0.003, 1e-12);
}

TEST(SvgChart, DrawsEachPointWhereItBelongs) {
  // The plot's corners: 64 and 606 across, 256 and 34 down.
  const std::string svg =
      svg_chart({.title = "a < b",
                 .x_title = "step",
                 .lines = {{.name = "x & y", .x = {0, 5, 10}, .y = {0, 1, 2}},
                           {.name = "gap", .x = {0, 4, 5, 10}, .y = {2, 2, NAN, 0}}}});
  EXPECT_NE(svg.find("M64.0 256.0L335.0 145.0L606.0 34.0"), std::string::npos) << svg;
  EXPECT_NE(svg.find("M64.0 34.0L280.8 34.0M606.0 256.0"), std::string::npos) << svg;
  EXPECT_NE(svg.find("a &lt; b"), std::string::npos);
  EXPECT_NE(svg.find("x &amp; y"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(SvgChart, StaysSmallAndWhole) {
  ChartLine line{.name = "", .x = {}, .y = {}};
  for (int i = 0; i < 100000; ++i) {
    line.x.push_back(i);
    line.y.push_back(i % 2);
  }
  EXPECT_LT(svg_chart({.title = "", .x_title = "", .lines = {line}}).size(), 30000U);
  EXPECT_NE(svg_chart({.title = "", .x_title = "", .lines = {}}).find("no values"),
            std::string::npos);
  // One point, and a level line: ranges without extent.
  for (const std::vector<double>& x : {std::vector<double>{3}, std::vector<double>{3, 4}}) {
    const std::string svg =
        svg_chart({.title = "",
                   .x_title = "",
                   .lines = {{.name = "", .x = x, .y = std::vector(x.size(), 7.0)}}});
    EXPECT_EQ(svg.find("nan"), std::string::npos) << svg;
    EXPECT_NE(svg.find("<circle"), std::string::npos) << svg;
  }
}

TEST(HtmlText, EncodesPictures) {
  EXPECT_EQ(escape_html("<a href='b'>\"&\""), "&lt;a href=&#39;b&#39;&gt;&quot;&amp;&quot;");
  // A PNG's signature in base64, with the length of its first chunk.
  EXPECT_TRUE(png_data_url(cv::Mat::zeros(2, 2, CV_8UC3))
                  .starts_with("data:image/png;base64,iVBORw0KGgoAAAANSUhEUg"));
}

TEST(RunReport, SumsUpTheRun) {
  const std::vector<nlohmann::json> metrics{
      {{"step", 1},
       {"loss", 2.5},
       {"seconds", 3},
       {"step_seconds", 3},
       {"data_wait", 0.5},
       {"slot_cosine", {{"0", 0.2}}}},
      {{"step", 1}, {"validation_miou", 0.4}, {"validation_fb_iou", 0.6}, {"seconds", 4}},
      {{"step", 2}, {"loss", nullptr}, {"seconds", 3725}, {"step_seconds", 1}, {"data_wait", 0.1}},
      {{"step", 2}, {"validation_miou", 0.3}, {"validation_fb_iou", 0.5}, {"seconds", 3725}}};
  const std::string report = run_report(
      {{"steps", 8},
       {"command", "cdfss-train <x>"},
       {"data",
        {{"training", {{"images", 5}, {"classes", {"cat", "dog"}}}}, {"validation", nullptr}}},
       {"resumed", {{{"after_step", 1}, {"started", "2026-01-31"}}}}},
      metrics, {});
  for (const char* part : {"5 images of cat, dog", "resumed after step 1", "<td>2 of 8</td>",
                           "0.4000 after step 1", "1:02:05 h", "40.0 % of", "memory of layer 0",
                           "cdfss-train &lt;x&gt;", "No validation data"}) {
    EXPECT_NE(report.find(part), std::string::npos) << part;
  }
}

TEST(RunningMean, FollowsItsValues) {
  RunningMean mean;
  EXPECT_EQ(mean.add(NAN), 0);
  EXPECT_EQ(mean.add(2), 2);
  EXPECT_NEAR(mean.add(4), (0.95 * 2 + 4) / 1.95, 1e-12);
  EXPECT_NEAR(mean.add(INFINITY), (0.95 * 2 + 4) / 1.95, 1e-12);
  for (int i = 0; i < 500; ++i) mean.add(7);
  EXPECT_NEAR(mean.add(8), 7.05, 1e-9);
}

TEST(ProgressLine, RatesOnlyWhatThisProcessDid) {
  // 10 of 100 in 5 s, after 50 earlier: 40 left at 2 a second.
  EXPECT_NE(progress_line(60, 100, "episodes", 5, 50).find("2.00/s, 0:20 left"), std::string::npos);
}

}  // namespace
}  // namespace cdfss
