// cdfss-eval from the outside: options, reports, exit codes.
#include "../unit/video_test_support.h"
#include "eval_test_support.h"

namespace cdfss {
namespace {

using namespace testing;

// Eight images of `folder:` layout, each with a square of the class "box".
void write_folder_dataset(const std::filesystem::path& root) {
  std::filesystem::create_directories(root / "images");
  std::filesystem::create_directories(root / "masks");
  write_bytes(root / "classes.txt", "-\nbox\n");
  for (int i = 0; i < 8; ++i) {
    cv::Mat image(80, 120, CV_8UC3, cv::Scalar(30 * i, 90, 60));
    cv::Mat mask = cv::Mat::zeros(80, 120, CV_8UC1);
    const cv::Rect box(5 * i, 10, 60, 60);
    image(box).setTo(cv::Scalar(20, 30, 220));
    mask(box).setTo(1);
    cv::imwrite((root / "images" / testing::frame_name(i, ".jpg")).string(), image);
    cv::imwrite((root / "masks" / testing::frame_name(i, ".png")).string(), mask);
  }
}

TEST(EvalCli, HelpShowsDefaultsAndUnits) {
  const ProcessResult result = eval({"--help"});
  EXPECT_EQ(result.exit_code, 0);
  expect_part(result.output, "--episodes N");
  expect_part(result.output, "=1000");
  expect_part(result.output, "--runs N");
  expect_part(result.output, "=5");
  expect_part(result.output, "--seed N=321");
  expect_part(result.output, "--input-size PIXELS=0");
  expect_part(result.output, "--config");
  expect_part(result.output, "--json");
}

TEST(EvalCli, VersionIsOneLine) {
  const ProcessResult result = eval({"--version"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(result.output.starts_with("cdfss-eval ")) << result.output;
}

// Models and runs record it.
TEST(EvalCli, VersionNamesTheRevisionThatWasBuilt) {
  const char* source = std::getenv("CDFSS_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run by meson test";
  ProcessResult head =
      testing::run_shell("git -C " + testing::quoted(source) + " rev-parse --short=12 HEAD");
  if (head.exit_code != 0) GTEST_SKIP() << "not built from a git repository: " << head.errors;
  head.output.pop_back();  // the line's end
  EXPECT_NE(eval({"--version"}).output.find("(" + head.output), std::string::npos) << head.output;
}

TEST(EvalCli, UsageErrorsExitWith2AndNameTheOption) {
  expect_failure(eval({}), 2, {"--dataset", "--video"});
  expect_failure(eval({"--bogus"}), 2, {"--bogus"});
  expect_failure(eval({"--video", "v", "--dataset", "folder:d", "--model", "m"}), 2,
                 {"--dataset", "--video"});
  expect_failure(eval({"--video", "v"}), 2, {"--model"});
  expect_failure(eval({"--video", "v", "--model", "m", "--episodes", "3"}), 2, {"--episodes"});
  expect_failure(eval({"--dataset", "folder:d", "--model", "m", "--every", "3"}), 2, {"--every"});
  expect_failure(eval({"--video", "v", "--model", "m", "--every", "0"}), 2, {"--every"});
  expect_failure(eval({"--video", "v", "--model", "m", "--input-size", "474"}), 2,
                 {"--input-size", "474"});
  expect_failure(eval({"--video", "v", "--model", "m", "--threshold", "1.5"}), 2, {"--threshold"});
  expect_failure(eval({"--video", "v", "--model", "m", "--threshold", "nan"}), 2, {"--threshold"});
  expect_failure(eval({"--video", "v", "--method", "prototype"}), 2, {"--backbone-weights"});
  expect_failure(eval({"--video", "v", "--method", "magic"}), 2, {"--method", "magic"});
}

TEST(EvalCli, WrongInputsExitWith1AndNameTheOffender) {
  TemporaryFolder folder;
  const std::string root = folder / "davis";
  testing::write_square_video(root, "square", 2);
  expect_failure(eval({"--video", "nowhere", "--model", model()}), 1, {"nowhere"});
  expect_failure(eval({"--video", root, "--model", "missing.safetensors"}), 1,
                 {"missing.safetensors"});
  expect_failure(eval({"--video", root, "--model", model(), "--sequences", "square,fox"}), 1,
                 {"fox"});
  expect_failure(eval({"--video", root, "--model", model(), "--device", "tpu"}), 1, {"tpu"});
  expect_failure(eval({"--video", root, "--model", model(), "--report", folder / "no/r.json"}), 1,
                 {"no/r.json"});
  expect_failure(eval({"--dataset", "bogus:" + root, "--model", model()}), 1, {"bogus"});
  expect_failure(eval({"--dataset", "folder:nowhere", "--model", model()}), 1, {"nowhere"});
}

class EvalVideo : public ::testing::Test {
 protected:
  EvalVideo() {
    testing::write_square_video(root_, "square", 5);
    testing::write_square_video(root_, "other", 3);
  }
  nlohmann::json report() const {
    return nlohmann::json::parse(read_bytes(folder_ / "report.json"));
  }
  TemporaryFolder folder_;
  std::string root_ = folder_ / "davis";
};

TEST_F(EvalVideo, ReportHasEveryKey) {
  const ProcessResult result = eval({"--video", root_, "--model", model(), "--report",
                                     folder_ / "report.json", "--save-masks", folder_ / "masks"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.errors, "");  // no progress bar where nobody looks
  expect_part(result.output, "square");
  expect_part(result.output, "mean");

  const nlohmann::json report = this->report();
  expect_keys(report, {"mean_j", "mean_f", "sequences", "model", "dataset", "shots", "input_size",
                       "device", "precision", "seconds_per_frame", "version"});
  ASSERT_EQ(report["sequences"].size(), 2U);
  EXPECT_EQ(report["sequences"]["square"]["frames"], 4);
  EXPECT_EQ(report["sequences"]["other"]["frames"], 2);
  EXPECT_EQ(report["input_size"], 41);
  EXPECT_EQ(report["interrupted"], false);
  const double j = report["sequences"]["square"]["j"];
  const double other = report["sequences"]["other"]["j"];
  EXPECT_NEAR(report["mean_j"].get<double>(), (j + other) / 2, 1e-12);

  const cv::Mat mask =
      cv::imread((folder_ / "masks" / "square" / "00004.png").string(), cv::IMREAD_UNCHANGED);
  EXPECT_EQ(mask.type(), CV_8UC1);
  EXPECT_EQ(mask.size(), cv::Size(testing::kVideoWidth, testing::kVideoHeight));
  EXPECT_EQ(cv::countNonZero(mask > 1), 0);
}

TEST_F(EvalVideo, SequencesAndEveryChooseTheFrames) {
  const ProcessResult result = eval({"--video", root_, "--model", model(), "--sequences", "square",
                                     "--every", "2", "--report", folder_ / "report.json"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(report()["sequences"].size(), 1U);
  EXPECT_EQ(report()["sequences"]["square"]["frames"], 2);
}

TEST_F(EvalVideo, TableCanBeMarkdown) {
  const ProcessResult result =
      eval({"--video", root_, "--model", model(), "--sequences", "other", "--format", "markdown"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  expect_part(result.output, "| sequence |");
  expect_part(result.output, "| -------- | -----:|");
}

TEST_F(EvalVideo, ThresholdZeroMakesEverythingObject) {
  const ProcessResult result = eval({"--video", root_, "--model", model(), "--sequences", "square",
                                     "--threshold", "0", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const nlohmann::json report = nlohmann::json::parse(result.output);
  EXPECT_NEAR(report["mean_j"].get<double>(),
              32.0 * 32 / (testing::kVideoWidth * testing::kVideoHeight), 1e-9);
  expect_part(result.errors, "square");  // the table goes where it does not disturb
}

TEST_F(EvalVideo, PrototypeBaselineRunsOnTheModelsBackbone) {
  const ProcessResult result = eval({"--video", root_, "--model", model(), "--method", "prototype",
                                     "--report", folder_ / "report.json"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(report()["method"], "prototype");
  // A red square on green is easy even for random features.
  EXPECT_GT(report()["mean_j"].get<double>(), 0.3);
}

TEST_F(EvalVideo, ConfigFileSetsOptions) {
  write_bytes(folder_ / "eval.ini", "sequences = square\nevery = 4\n");
  const ProcessResult result = eval({"--config", folder_ / "eval.ini", "--video", root_, "--model",
                                     model(), "--report", folder_ / "report.json"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(report()["sequences"]["square"]["frames"], 1);
}

TEST_F(EvalVideo, InterruptReportsWhatWasMeasured) {
  testing::write_square_video(root_, "long", 2000);
  const std::string masks = folder_ / "masks";
  const std::string report_file = folder_ / "report.json";
  const ProcessResult result = run_shell(
      program(kEval) + " --sequences long --video " + testing::quoted(root_) + " --model " +
      testing::quoted(model()) + " --save-masks " + testing::quoted(masks) + " --report " +
      testing::quoted(report_file) + " & pid=$!; while kill -0 $pid && ! [ -e " +
      testing::quoted(masks + "/long/00001.png") +
      " ]; do sleep 0.05; done; kill -TERM $pid; "
      "wait $pid");
  EXPECT_EQ(result.exit_code, 1) << result.errors;
  expect_part(result.errors, "interrupted");
  EXPECT_EQ(report()["interrupted"], true);
  EXPECT_GE(report()["sequences"]["long"]["frames"], 1);
  EXPECT_LT(report()["sequences"]["long"]["frames"], 1999);
}

TEST(EvalEpisodes, ReportHasEveryKeyAndSeedsRepeat) {
  TemporaryFolder folder;
  write_folder_dataset(folder / "boxes");
  const std::string dataset = "folder:" + (folder / "boxes").string();
  const std::vector<std::string> arguments{"--dataset",  dataset, "--model", model(),
                                           "--episodes", "4",     "--runs",  "2",
                                           "--shots",    "2",     "--json"};
  const ProcessResult first = eval(arguments);
  ASSERT_EQ(first.exit_code, 0) << first.errors;
  nlohmann::json report = nlohmann::json::parse(first.output);
  expect_keys(report, {"miou", "miou_std", "fb_iou", "fb_iou_std", "per_class", "episodes", "runs",
                       "model", "dataset", "shots", "input_size", "device", "precision",
                       "seconds_per_episode", "version", "network_size"});
  expect_keys(report["network_size"], {"miou", "miou_std", "fb_iou", "fb_iou_std", "per_class"});
  EXPECT_EQ(report["runs"], 2);
  EXPECT_EQ(report["episodes"], 4);
  EXPECT_EQ(report["episodes_measured"], 8);
  EXPECT_EQ(report["shots"], 2);
  EXPECT_EQ(report["dataset"], dataset);
  EXPECT_EQ(report["per_class"]["box"], report["miou"]);
  const nlohmann::json second = nlohmann::json::parse(eval(arguments).output);
  EXPECT_EQ(second["miou"], report["miou"]);
  EXPECT_EQ(second["fb_iou"], report["fb_iou"]);
}

}  // namespace
}  // namespace cdfss
