// Runs of cdfss-train that end early, and what --resume makes of them.
#include <algorithm>
#include <cstring>

#include "cdfss/model_info.h"
#include "train_test_support.h"

namespace cdfss {
namespace {

using testing::BackgroundTraining;
using testing::expect_failure;
using testing::ProcessResult;
using testing::read_bytes;
using testing::read_lines;
using testing::train;
using testing::TrainCli;
using testing::wait_until;
using testing::write_bytes;

// A safetensors file without its metadata: names, shapes and bits of its tensors.
std::string tensors_of(const std::filesystem::path& file) {
  const std::string bytes = read_bytes(file);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  nlohmann::json header = nlohmann::json::parse(bytes.substr(sizeof length, length));
  header.erase("__metadata__");
  return header.dump() + bytes.substr(sizeof length + length);
}

class ResumeCli : public TrainCli {
 protected:
  // Lines of the metrics; a last one may be half-written.
  std::ptrdiff_t metrics_lines(const std::string& run) const {
    return std::ranges::count(read_bytes(folder_ / run / "metrics.jsonl"), '\n');
  }

  // A run that is killed with -9 after each of those numbers of metrics lines, resumed each time.
  void train_with_kills(const std::vector<std::string>& options, const std::string& run,
                        std::initializer_list<int> lines) {
    std::vector<std::string> words = arguments(options, run);
    words.push_back("--resume");
    for (const int line : lines) {
      BackgroundTraining training(words);
      wait_until([&] { return metrics_lines(run) >= line; });
      // Anywhere in the step or checkpoint after it.
      std::this_thread::sleep_for(std::chrono::milliseconds(17 * line));
      EXPECT_EQ(training.end(SIGKILL), 128 + SIGKILL) << "it was over already";
    }
    const ProcessResult last = train(words);
    ASSERT_EQ(last.exit_code, 0) << last.errors;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / run)) {
      EXPECT_EQ(entry.path().string().find(".tmp-"), std::string::npos) << entry.path();
    }
  }

  void expect_equal_runs(const std::string& a, const std::string& b) const {
    for (const char* file : {"state.safetensors", "last.safetensors", "best.safetensors"}) {
      ASSERT_EQ(std::filesystem::exists(folder_ / a / file),
                std::filesystem::exists(folder_ / b / file))
          << file;
      if (!std::filesystem::exists(folder_ / a / file)) continue;
      EXPECT_TRUE(tensors_of(folder_ / a / file) == tensors_of(folder_ / b / file)) << file;
    }
    auto first = read_lines(folder_ / a / "metrics.jsonl");
    auto second = read_lines(folder_ / b / "metrics.jsonl");
    ASSERT_EQ(first.size(), second.size());
    for (std::size_t i = 0; i < first.size(); ++i) {
      for (auto* line : {&first[i], &second[i]}) {
        for (const char* time : {"seconds", "step_seconds", "data_wait"}) line->erase(time);
      }
      EXPECT_EQ(first[i], second[i]);
    }
  }

  // Options of a run of five steps with three checkpoints, two of them with a validation.
  static std::vector<std::string> five_steps(std::vector<std::string> more) {
    more.insert(more.end(), {"--steps", "5", "--checkpoint-every", "2", "--held-out", "3,0",
                             "--validate-every", "3", "--validation-episodes", "2"});
    return more;
  }
};

TEST_F(ResumeCli, AKilledSgdRunEndsAsAnUninterruptedOne) {
  // A memory that is full after the second step, and all that is drawn anew in each.
  const auto options = five_steps({"--memory-slots", "3", "--alpha-mode", "beta",
                                   "--enhancement-probability", "0.7", "--amplitude-mix", "0.1"});
  ASSERT_EQ(train(arguments(options, "whole")).exit_code, 0);
  train_with_kills(options, "killed", {1, 4});
  expect_equal_runs("whole", "killed");
}

TEST_F(ResumeCli, AKilledAdamWRunWithBatchStatisticsEndsAsAnUninterruptedOne) {
  const auto options = five_steps({"--optimiser", "adamw", "--learning-rate", "1e-5", "--calibrate",
                                   "--train-backbone", "--bn", "train"});
  ASSERT_EQ(train(arguments(options, "whole")).exit_code, 0);
  train_with_kills(options, "killed", {3});
  expect_equal_runs("whole", "killed");
}

TEST_F(ResumeCli, AKilledFloat16RunGoesOnWithItsLossScale) {
  const auto options = five_steps({"--precision", "fp16"});
  ASSERT_EQ(train(arguments(options, "whole")).exit_code, 0);
  train_with_kills(options, "killed", {3});
  expect_equal_runs("whole", "killed");
  EXPECT_NE(tensors_of(folder_ / "killed" / "state.safetensors").find("loss_scaler.scale"),
            std::string::npos);
  EXPECT_GT(read_lines(folder_ / "killed" / "metrics.jsonl").front().at("loss_scale"), 1);
}

TEST_F(ResumeCli, AKilledRunWithCachedFeaturesEndsAsAnUninterruptedOne) {
  const std::vector<std::string> options{
      "--steps",        "6", "--checkpoint-every",  "2",     "--feature-cache",         "2",
      "--memory-slots", "3", "--object-directions", "2",     "--background-directions", "2",
      "--pca-init",     "4", "--optimiser",         "adamw", "--learning-rate",         "1e-5"};
  ASSERT_EQ(train(arguments(options, "whole")).exit_code, 0);
  train_with_kills(options, "killed", {3});
  expect_equal_runs("whole", "killed");
}

TEST_F(ResumeCli, ASignalFinishesTheStepAndSaves) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const std::string run = "run" + std::to_string(signal);
    BackgroundTraining training(arguments({"--steps", "100000"}, run));
    wait_until([&] { return metrics_lines(run) > 0; });
    EXPECT_EQ(training.end(signal), 128 + signal);
    const auto lines = read_lines(folder_ / run / "metrics.jsonl");
    const std::string steps =
        read_model_info(folder_ / run / "last.safetensors").metadata.at("training_steps");
    EXPECT_EQ(steps, std::to_string(lines.size()) + "/100000");
    EXPECT_TRUE(std::filesystem::exists(folder_ / run / "report.html"));
  }
}

TEST_F(ResumeCli, AValidationThatWasCutShortIsMadeAgain) {
  const std::vector<std::string> options{
      "--steps", "3", "--held-out", "3,0", "--validate-every", "2", "--validation-episodes", "30"};
  ASSERT_EQ(train(arguments(options, "whole")).exit_code, 0);
  BackgroundTraining training(arguments(options, "cut"));
  wait_until([&] { return metrics_lines("cut") >= 2; });
  EXPECT_EQ(training.end(SIGTERM), 128 + SIGTERM);
  EXPECT_EQ(metrics_lines("cut"), 2);
  ASSERT_EQ(train({"--resume", "--output", folder_ / "cut"}).exit_code, 0);
  expect_equal_runs("whole", "cut");
}

TEST_F(ResumeCli, TakesWhatIsLeftOutFromTheRunAndSaysWhatItWas) {
  ASSERT_EQ(train(arguments({"--epochs", "1", "--max-seconds", "1", "--seed", "9"})).exit_code, 0);
  const ProcessResult result =
      train({"--resume", "--output", folder_ / "run", "--max-seconds", "0", "--threads", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_NE(result.output.find("going on after step"), std::string::npos) << result.output;

  const auto record = nlohmann::json::parse(read_bytes(folder_ / "run/run.json"));
  for (const char* key :
       {"version", "git_revision", "libtorch", "device", "threads", "command", "started"}) {
    EXPECT_TRUE(record.contains(key)) << key;
  }
  EXPECT_EQ(record["seed"], 9);
  EXPECT_EQ(record["steps"], 6);  // twelve images, two a step
  EXPECT_EQ(record["data"]["training"]["images"], 12);
  EXPECT_EQ(record["data"]["training"]["classes"], (std::vector{"box", "crate", "lid"}));
  EXPECT_TRUE(record["data"]["validation"].is_null());
  ASSERT_EQ(record["resumed"].size(), 1U);
  EXPECT_TRUE(record["resumed"][0].contains("after_step"));
  EXPECT_EQ(read_lines(folder_ / "run/metrics.jsonl").size(), 6U);
}

TEST_F(ResumeCli, ItsConfigurationMakesTheSameRunAgain) {
  ASSERT_EQ(train(arguments({"--steps", "2", "--held-out", "3,1", "--validation-episodes", "1"}))
                .exit_code,
            0);
  const ProcessResult again =
      train({"--config", folder_ / "run/config.toml", "--output", folder_ / "again"});
  ASSERT_EQ(again.exit_code, 0) << again.errors;
  expect_equal_runs("run", "again");
}

TEST_F(ResumeCli, TheReportShowsTheCurvesAndSamples) {
  ASSERT_EQ(train(arguments({"--steps", "2", "--held-out", "3,1", "--validation-episodes", "1"}))
                .exit_code,
            0);
  const std::string report = read_bytes(folder_ / "run/report.html");
  for (const char* part : {"<svg", ">Loss<", "mIoU", "Learning rate", "Slot cosine",
                           "memory of layer 1", "waiting for data", "data:image/png;base64,",
                           "ground truth", "prediction", "<td>2 of 2</td>"}) {
    EXPECT_NE(report.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(report.find("src=\"http"), std::string::npos);
  EXPECT_EQ(report.find("<script"), std::string::npos);
}

// One finished run, and what else is refused there.
TEST_F(ResumeCli, RefusesWhatWouldNotBeTheSameRun) {
  ASSERT_EQ(train(arguments({"--steps", "1"})).exit_code, 0);
  const auto resume = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--resume", "--output", folder_ / "run"});
    return train(more);
  };
  EXPECT_EQ(resume({"--loader-threads", "1", "--checkpoint-every", "7"}).exit_code, 0);
  expect_failure(train(arguments({"--steps", "1"})), 1, {"run holds a training run", "--resume"});
  expect_failure(resume({"--seed", "5", "--learning-rate", "0.5"}), 1,
                 {"state.safetensors", "--seed: 321 in the run, 5 now",
                  "--learning-rate: 0.0025 in the run, 0.5 now"});
  expect_failure(resume({"--steps", "4"}), 1, {"a run of 1 steps", "--steps", "ask for 4"});

  std::filesystem::remove(folder_ / "data/images/3.jpg");
  std::filesystem::remove(folder_ / "data/masks/3.png");
  expect_failure(resume({}), 1, {"state.safetensors", "other data"});
}

TEST_F(ResumeCli, RefusesADamagedState) {
  ASSERT_EQ(train(arguments({"--steps", "1"})).exit_code, 0);
  const std::filesystem::path file = folder_ / "run/state.safetensors";
  const std::vector<std::string> resume{"--resume", "--output", folder_ / "run"};
  const std::string whole = read_bytes(file);
  write_bytes(file, whole.substr(0, whole.size() - 1000));
  expect_failure(train(resume), 1, {"state.safetensors"});
  write_bytes(file, "not a state");
  expect_failure(train(resume), 1, {"state.safetensors"});
  std::filesystem::copy_file(folder_ / "run/last.safetensors", file,
                             std::filesystem::copy_options::overwrite_existing);
  expect_failure(train(resume), 1, {"state.safetensors", "is not the state of a training run"});
  // Beginning anew would replace the model that is there.
  std::filesystem::remove(file);
  expect_failure(train(resume), 1, {"not its state.safetensors"});
  EXPECT_TRUE(std::filesystem::exists(folder_ / "run/last.safetensors"));
  std::filesystem::remove(folder_ / "run/config.toml");
  expect_failure(train(arguments({"--steps", "1", "--resume"})), 1,
                 {"neither state.safetensors nor config.toml"});
}

TEST_F(ResumeCli, TwoProcessesDoNotShareAFolder) {
  BackgroundTraining training(arguments({"--steps", "100000"}));
  wait_until([&] { return metrics_lines("run") > 0; });
  expect_failure(train({"--resume", "--output", folder_ / "run"}), 1, {"run is in use"});
  EXPECT_EQ(training.end(SIGTERM), 128 + SIGTERM);
}

}  // namespace
}  // namespace cdfss
