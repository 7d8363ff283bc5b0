// cdfss-train on a small data set, to its end or in the background.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "process.h"

namespace cdfss::testing {

inline ProcessResult train(const std::vector<std::string>& arguments) {
  return run("trainer/cdfss-train", arguments);
}

inline void expect_failure(const ProcessResult& result, int exit_code,
                           std::initializer_list<std::string> parts) {
  EXPECT_EQ(result.exit_code, exit_code) << result.errors;
  EXPECT_NE(result.errors.find("cdfss-train: "), std::string::npos) << result.errors;
  for (const std::string& part : parts) {
    EXPECT_NE(result.errors.find(part), std::string::npos)
        << part << " is not in " << result.errors;
  }
}

inline std::vector<nlohmann::json> read_lines(const std::filesystem::path& file) {
  std::istringstream stream(read_bytes(file));
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

// Sleeps until it holds, two minutes at most.
inline void wait_until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (!condition() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

// A cdfss-train of its own; killed if it still runs at the end.
class BackgroundTraining {
 public:
  explicit BackgroundTraining(std::vector<std::string> arguments) {
    const std::string binary =
        std::filesystem::path(std::getenv("CDFSS_BUILD_DIR")) / "trainer" / "cdfss-train";
    arguments.insert(arguments.begin(), binary);
    std::vector<char*> argv;
    for (std::string& word : arguments) argv.push_back(word.data());
    argv.push_back(nullptr);
    child_ = fork();
    if (child_ < 0) throw std::runtime_error("fork");
    if (child_ == 0) {
      const int nowhere = open("/dev/null", O_WRONLY);
      dup2(nowhere, STDOUT_FILENO);
      dup2(nowhere, STDERR_FILENO);
      execv(binary.c_str(), argv.data());
      _exit(127);
    }
  }
  ~BackgroundTraining() {
    if (child_ > 0) end(SIGKILL);
  }
  BackgroundTraining(const BackgroundTraining&) = delete;
  BackgroundTraining& operator=(const BackgroundTraining&) = delete;

  // Sends the signal and waits. The exit code; 128 + the signal when that ended it.
  int end(int signal) {
    kill(child_, signal);
    int status = 0;
    waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t child_ = -1;
};

class TrainCli : public ::testing::Test {
 protected:
  // Twelve images with a square of one of three classes.
  void SetUp() override {
    const std::filesystem::path root = folder_ / "data";
    std::filesystem::create_directories(root / "images");
    std::filesystem::create_directories(root / "masks");
    write_bytes(root / "classes.txt", "-\nbox\ncrate\nlid\n");
    const cv::Scalar colours[] = {{20, 30, 220}, {220, 200, 20}, {30, 220, 40}};
    for (int i = 0; i < 12; ++i) {
      cv::Mat image(80, 90, CV_8UC3, cv::Scalar(20 * i, 90, 60));
      cv::Mat mask = cv::Mat::zeros(80, 90, CV_8UC1);
      const cv::Rect box(2 * i, 10, 50, 50);
      image(box).setTo(colours[i % 3]);
      mask(box).setTo(1 + i % 3);
      cv::imwrite((root / "images" / (std::to_string(i) + ".jpg")).string(), image);
      cv::imwrite((root / "masks" / (std::to_string(i) + ".png")).string(), mask);
    }
  }

  std::vector<std::string> arguments(const std::vector<std::string>& more,
                                     const std::string& run = "run") const {
    std::vector<std::string> all{"--data",       "folder:" + (folder_ / "data").string(),
                                 "--output",     folder_ / run,
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

}  // namespace cdfss::testing
