// cdfss-train from the outside: what it writes, when it stops, what it refuses.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <sstream>
#include <thread>

#include "cdfss/model_info.h"
#include "process.h"

namespace cdfss {
namespace {

using testing::ProcessResult;
using testing::TemporaryFolder;

ProcessResult train(const std::vector<std::string>& arguments) {
  return testing::run("trainer/cdfss-train", arguments);
}

void expect_failure(const ProcessResult& result, int exit_code,
                    std::initializer_list<std::string> parts) {
  EXPECT_EQ(result.exit_code, exit_code) << result.errors;
  EXPECT_NE(result.errors.find("cdfss-train: "), std::string::npos) << result.errors;
  for (const std::string& part : parts) {
    EXPECT_NE(result.errors.find(part), std::string::npos) << part << " is not in " << result.errors;
  }
}

std::vector<nlohmann::json> read_lines(const std::filesystem::path& file) {
  std::istringstream stream(testing::read_bytes(file));
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

class TrainCli : public ::testing::Test {
 protected:
  // Twelve images with a square of one of two classes.
  void SetUp() override {
    const std::filesystem::path root = folder_ / "data";
    std::filesystem::create_directories(root / "images");
    std::filesystem::create_directories(root / "masks");
    testing::write_bytes(root / "classes.txt", "-\nbox\ncrate\n");
    for (int i = 0; i < 12; ++i) {
      cv::Mat image(80, 90, CV_8UC3, cv::Scalar(20 * i, 90, 60));
      cv::Mat mask = cv::Mat::zeros(80, 90, CV_8UC1);
      const cv::Rect box(2 * i, 10, 50, 50);
      image(box).setTo(i % 2 == 0 ? cv::Scalar(20, 30, 220) : cv::Scalar(220, 200, 20));
      mask(box).setTo(1 + i % 2);
      cv::imwrite((root / "images" / (std::to_string(i) + ".jpg")).string(), image);
      cv::imwrite((root / "masks" / (std::to_string(i) + ".png")).string(), mask);
    }
  }

  std::vector<std::string> arguments(std::initializer_list<std::string> more) const {
    std::vector<std::string> all{"--data",       "folder:" + (folder_ / "data").string(),
                                 "--output",     folder_ / "run",
                                 "--input-size", "41",
                                 "--batch",      "2",
                                 "--scale-min",  "0.5",
                                 "--scale-max",  "0.7",
                                 "--threads",    "1"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  TemporaryFolder folder_;
};

TEST_F(TrainCli, WritesAModelAndItsMetrics) {
  const ProcessResult result = train(arguments(
      {"--steps", "3", "--held-out", "2,0", "--validation-episodes", "2", "--validate-every", "2",
       "--calibrate", "--export", folder_ / "export.safetensors"}));
  ASSERT_EQ(result.exit_code, 0) << result.errors;

  for (const char* name : {"run/last.safetensors", "run/best.safetensors",
                                  "export.safetensors"}) {
    const ModelInfo info = read_model_info(folder_ / name);
    EXPECT_EQ(info.backbone, "resnet50-caffe");
    EXPECT_EQ(info.memory_layers, (std::vector<int>{0, 1}));
    EXPECT_EQ(info.input_size, 41);
    EXPECT_EQ(info.target_enhancement, TargetEnhancement::kBoth);
    EXPECT_EQ(info.metadata.at("training_source"), "folder:" + (folder_ / "data").string());
    EXPECT_NE(info.metadata.at("training_command").find("--held-out 2,0"), std::string::npos);
    EXPECT_TRUE(info.metadata.contains("git_revision"));
  }
  EXPECT_EQ(read_model_info(folder_ / "run/last.safetensors").metadata.at("training_steps"), "3/3");
  const auto size = [&](const std::string& name) {
    return static_cast<double>(std::filesystem::file_size(folder_ / name));
  };
  EXPECT_NEAR(size("export.safetensors") / size("run/best.safetensors"), 0.5, 0.02);

  const auto lines = read_lines(folder_ / "run/metrics.jsonl");
  ASSERT_EQ(lines.size(), 5U);  // 3 steps, validations after 2 and at the end
  for (const char* key : {"loss", "segmentation", "auxiliary", "contrastive", "orthogonal",
                          "learning_rate", "seconds", "slot_cosine"}) {
    EXPECT_TRUE(lines[0].contains(key)) << key;
  }
  EXPECT_EQ(lines[0]["step"], 1);
  EXPECT_EQ(lines[2]["step"], 2);
  EXPECT_TRUE(lines[2].contains("validation_miou"));
  EXPECT_GT(lines[3]["orthogonal"], 0);  // the memory is filled
}

TEST_F(TrainCli, GoesOnFromAModelWithCachedFeatures) {
  const std::initializer_list<std::string> first{
      "--steps", "2", "--feature-cache", "1", "--memory-layers", "none", "--contrastive-weight",
      "0", "--object-directions", "2", "--background-directions", "3", "--pca-init", "4",
      "--reduction-dropout", "0", "--precision", "bf16"};
  ASSERT_EQ(train(arguments(first)).exit_code, 0);
  std::filesystem::rename(folder_ / "run/last.safetensors", folder_ / "start.safetensors");
  const ProcessResult second = train(
      arguments({"--steps", "1", "--init-from", folder_ / "start.safetensors", "--train-backbone"}));
  ASSERT_EQ(second.exit_code, 0) << second.errors;
  EXPECT_EQ(read_model_info(folder_ / "run/last.safetensors").memory_layers,
            (std::vector<int>{0, 1}));
}

TEST_F(TrainCli, ReadsItsOptionsFromAFile) {
  testing::write_bytes(folder_ / "train.ini", "steps=1\nmemory-layers=none\ncontrastive-weight=0\n");
  const ProcessResult result = train(arguments({"--config", folder_ / "train.ini"}));
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(read_model_info(folder_ / "run/last.safetensors").memory_layers.empty());
}

TEST_F(TrainCli, StopsAfterItsTime) {
  const ProcessResult result = train(arguments({"--steps", "100000", "--max-seconds", "1"}));
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_NE(result.output.find("stopped after step"), std::string::npos) << result.output;
  EXPECT_TRUE(std::filesystem::exists(folder_ / "run/last.safetensors"));
}

TEST_F(TrainCli, AnInterruptLeavesAUsableCheckpoint) {
  const std::string binary =
      std::filesystem::path(std::getenv("CDFSS_BUILD_DIR")) / "trainer" / "cdfss-train";
  std::vector<std::string> words = arguments({"--steps", "100000"});
  words.insert(words.begin(), binary);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    execv(binary.c_str(), argv.data());
    _exit(127);
  }
  const std::filesystem::path metrics = folder_ / "run/metrics.jsonl";
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (std::chrono::steady_clock::now() < deadline &&
         (!std::filesystem::exists(metrics) || std::filesystem::file_size(metrics) == 0)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  kill(child, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  const std::string steps =
      read_model_info(folder_ / "run/last.safetensors").metadata.at("training_steps");
  EXPECT_EQ(steps, std::to_string(read_lines(metrics).size()) + "/100000");
}

TEST_F(TrainCli, HelpShowsThePapersDefaults) {
  const ProcessResult result = train({"--help"});
  EXPECT_EQ(result.exit_code, 0);
  for (const char* part : {"--input-size PIXELS", "=473", "--epochs N", "=20", "--batch N", "=12",
                           "--learning-rate RATE", "=0.0025", "--config"}) {
    EXPECT_NE(result.output.find(part), std::string::npos) << part << "\n" << result.output;
  }
}

TEST_F(TrainCli, UsageErrorsExitWith2AndNameTheOption) {
  expect_failure(train({}), 2, {"--data"});
  expect_failure(train(arguments({"--bogus"})), 2, {"--bogus"});
  expect_failure(train(arguments({"--optimiser", "adam"})), 2, {"--optimiser", "adam"});
  expect_failure(train(arguments({"--memory-layers", "7"})), 2, {"--memory-layers", "7"});
  expect_failure(train(arguments({"--feature-cache", "1"})), 2,
                 {"--feature-cache", "--memory-layers none"});
  expect_failure(train(arguments({"--calibrate"})), 2, {"--calibrate", "--held-out"});
}

TEST_F(TrainCli, WrongInputsExitWith1AndNameTheOffender) {
  expect_failure(train({"--data", "folder:nowhere", "--output", folder_ / "run"}), 1, {"nowhere"});
  expect_failure(train(arguments({"--init-from", "missing.safetensors"})), 1,
                 {"missing.safetensors"});
  expect_failure(train(arguments({"--backbone-weights", "missing.pth"})), 1, {"missing.pth"});
  expect_failure(train(arguments({"--device", "tpu"})), 1, {"tpu"});
  testing::write_bytes(folder_ / "file", "");
  expect_failure(train({"--data", "folder:" + (folder_ / "data").string(), "--output",
                        folder_ / "file/run", "--steps", "1", "--input-size", "41"}),
                 1, {"file/run"});
}

}  // namespace
}  // namespace cdfss
