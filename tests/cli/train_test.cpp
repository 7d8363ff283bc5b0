// cdfss-train from the outside: what it writes, when it stops, what it refuses.
#include "cdfss/model_info.h"
#include "train_test_support.h"

namespace cdfss {
namespace {

using testing::expect_failure;
using testing::ProcessResult;
using testing::read_lines;
using testing::train;
using testing::TrainCli;

TEST_F(TrainCli, WritesAModelAndItsMetrics) {
  const ProcessResult result = train(arguments(
      {"--steps", "3", "--held-out", "2,0", "--validation-episodes", "2", "--validate-every", "2",
       "--calibrate", "--export", folder_ / "export.safetensors"}));
  ASSERT_EQ(result.exit_code, 0) << result.errors;

  for (const char* name : {"run/last.safetensors", "run/best.safetensors", "export.safetensors"}) {
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
                          "learning_rate", "seconds", "step_seconds", "data_wait", "slot_cosine"}) {
    EXPECT_TRUE(lines[0].contains(key)) << key;
  }
  EXPECT_EQ(lines[0]["step"], 1);
  EXPECT_EQ(lines[2]["step"], 2);
  EXPECT_TRUE(lines[2].contains("validation_miou"));
  EXPECT_GT(lines[3]["orthogonal"], 0);  // the memory is filled
}

TEST_F(TrainCli, GoesOnFromAModelWithCachedFeatures) {
  const std::vector<std::string> first{"--steps",
                                       "2",
                                       "--feature-cache",
                                       "1",
                                       "--memory-layers",
                                       "none",
                                       "--contrastive-weight",
                                       "0",
                                       "--object-directions",
                                       "2",
                                       "--background-directions",
                                       "3",
                                       "--pca-init",
                                       "4",
                                       "--reduction-dropout",
                                       "0",
                                       "--precision",
                                       "bf16"};
  ASSERT_EQ(train(arguments(first)).exit_code, 0);
  std::filesystem::rename(folder_ / "run/last.safetensors", folder_ / "start.safetensors");
  const ProcessResult second = train(
      arguments({"--steps", "1", "--init-from", folder_ / "start.safetensors", "--train-backbone"},
                "second"));
  ASSERT_EQ(second.exit_code, 0) << second.errors;
  EXPECT_EQ(read_model_info(folder_ / "second/last.safetensors").memory_layers,
            (std::vector<int>{0, 1}));
}

TEST_F(TrainCli, ReadsItsOptionsFromAFile) {
  testing::write_bytes(folder_ / "train.ini",
                       "steps=1\nmemory-layers=none\ncontrastive-weight=0\n");
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
  expect_failure(train(arguments({"--feature-cache", "1", "--train-backbone"})), 2,
                 {"--feature-cache", "--train-backbone"});
  expect_failure(train(arguments({"--steps", "1"}, "run\xe4")), 2, {"argument 4", "UTF-8"});
  expect_failure(train(arguments({"--calibrate"})), 2, {"--calibrate", "--held-out"});
  expect_failure(train(arguments({"--learning-rate", "nan"})), 2, {"--learning-rate", "'nan'"});
  expect_failure(train(arguments({"--max-seconds", "-NaN"})), 2, {"--max-seconds", "'-NaN'"});
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
                 1, {"--output", "file/run", "cannot be made a folder"});
  // Before the first step, not after the last.
  expect_failure(train(arguments({"--export", folder_ / "nowhere/model.safetensors"})), 1,
                 {"nowhere/model.safetensors", "no folder"});
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "run"));
}

class SweepCli : public TrainCli {
 protected:
  std::vector<std::string> sweep(int episodes, const std::string& steps) {
    testing::write_bytes(folder_ / "sweep.json",
                         R"({"grid": {"contrastive-weight": [0]}, "seeds": [1],
                             "evaluate": {"boxes": {"runs": 1, "dataset": "folder:)" +
                             (folder_ / "data").string() + R"(", "episodes": )" +
                             std::to_string(episodes) + "}}}");
    return arguments({"--steps", steps, "--sweep", folder_ / "sweep.json"}, "sweep");
  }
  nlohmann::json read(const std::string& name) const {
    return nlohmann::json::parse(testing::read_bytes(folder_ / "sweep" / name));
  }
};

TEST_F(SweepCli, TrainsOnceAndMeasuresAsTheFileSaysNow) {
  const ProcessResult first = train(sweep(2, "1"));
  ASSERT_EQ(first.exit_code, 0) << first.errors;
  const auto report = read("0-seed-1/boxes.json");
  EXPECT_EQ(report["episodes_measured"], 2);
  EXPECT_EQ(read("sweep.json")["runs"]["0"][0]["boxes"], report["miou"]);
  const std::string table = testing::read_bytes(folder_ / "sweep/sweep.md");
  EXPECT_NE(table.find(" boxes |"), std::string::npos) << table;

  const auto trained =
      std::filesystem::last_write_time(folder_ / "sweep/0-seed-1/state.safetensors");
  ASSERT_EQ(train(sweep(3, "1")).exit_code, 0);
  EXPECT_EQ(read("0-seed-1/boxes.json")["episodes_measured"], 3);
  EXPECT_EQ(std::filesystem::last_write_time(folder_ / "sweep/0-seed-1/state.safetensors"),
            trained);
  expect_failure(train(sweep(3, "2")), 1, {"0-seed-1.json", "other options"});
}

TEST_F(SweepCli, ASignalToItAloneStopsItsRun) {
  testing::BackgroundTraining training(sweep(2, "100000"));
  const auto metrics = folder_ / "sweep/0-seed-1/metrics.jsonl";
  testing::wait_until(
      [&] { return std::filesystem::exists(metrics) && std::filesystem::file_size(metrics) > 0; });
  EXPECT_EQ(training.end(SIGTERM), 128 + SIGTERM);
  const std::string steps = std::to_string(read_lines(metrics).size());
  EXPECT_EQ(read_model_info(folder_ / "sweep/0-seed-1/last.safetensors").metadata["training_steps"],
            steps + "/100000");
}

}  // namespace
}  // namespace cdfss
