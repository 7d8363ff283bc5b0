// The program runs and says what it should. How long things take is not tested here.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "../cli/process.h"
#include "tensor/cpu_features.h"

namespace cdfss {
namespace {

std::vector<std::string> small(std::vector<std::string> more) {
  std::vector<std::string> arguments{
      "--model", std::getenv("CDFSS_TEST_MODEL"), "--width", "64", "--height", "48", "--threads",
      "1"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

class FrameReport : public ::testing::TestWithParam<const char*> {};

TEST_P(FrameReport, HasEveryStage) {
  const std::string precision = GetParam();
  if (precision == "int8" && !cpu_multiplies_int8()) GTEST_SKIP() << "no int8 on this CPU";
  const auto result = testing::run(
      "tests/bench/cdfss-bench", small({"--frame", "--iterations", "2", "--shots", "2", "--classes",
                                        "3", "--streams", "2", "--precision", precision}));
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto report = nlohmann::json::parse(result.output);
  std::vector<std::string> names;
  for (const auto& stage : report["stages"]) {
    names.push_back(stage["name"]);
    EXPECT_GT(stage["ms"].get<double>(), 0) << stage;
    const bool convolves = stage["name"].get<std::string>().starts_with("layer") ||
                           stage["name"] == "reduction" || stage["name"] == "enrichment";
    EXPECT_EQ(stage.contains("convolution_gflops_per_second"), convolves) << stage;
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"input", "layer0", "layer1", "layer2", "layer3", "reduction",
                                      "allocation", "enrichment", "decide", "draw"}));
  EXPECT_EQ(report["input_size"], 41);
  EXPECT_EQ(report["shots"], 2);
  EXPECT_EQ(report["classes"], 3);
  EXPECT_EQ(report["device"], "cpu");
  EXPECT_EQ(report["precision"], precision);
  for (const char* key :
       {"ms", "load_to_first_mask_ms", "resident_mb", "frames_per_second", "copy_gb_per_second",
        "encoder_share_of_convolution_rate", "pre_and_post_share"}) {
    EXPECT_GT(report[key].get<double>(), 0) << key;
  }
}

INSTANTIATE_TEST_SUITE_P(All, FrameReport, ::testing::Values("fp32", "int8"));

TEST(Bench, RunsGoogleBenchmarks) {
  const auto result = testing::run(
      "tests/bench/cdfss-bench",
      small({"--precision", "fp32", "--input-size", "41", "--benchmark", "filter=frame/shots:5",
             "--benchmark", "format=json", "--benchmark", "min_time=0.001"}));
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto report = nlohmann::json::parse(result.output);
  ASSERT_EQ(report["benchmarks"].size(), 1U);
  EXPECT_EQ(report["benchmarks"][0]["run_name"], "cpu/fp32/frame/shots:5/real_time");
}

TEST(Bench, NamesBadOptions) {
  const auto code_and_message = [](std::vector<std::string> more) {
    const auto result = testing::run("tests/bench/cdfss-bench", small(std::move(more)));
    return std::pair(result.exit_code, result.errors);
  };
  const auto [precision_code, precision] = code_and_message({"--frame", "--precision", "fp7"});
  EXPECT_EQ(precision_code, 1);
  EXPECT_NE(precision.find("fp7"), std::string::npos);
  const auto [format_code, format] = code_and_message({"--frame", "--format", "yuyv"});
  EXPECT_EQ(format_code, 1);
  EXPECT_NE(format.find("yuyv"), std::string::npos);
  EXPECT_EQ(code_and_message({"--frame", "--shots", "0"}).first, 2);
}

}  // namespace
}  // namespace cdfss
