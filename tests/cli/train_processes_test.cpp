// Several processes that train one network, against one process with the whole batch.
#include <ATen/ATen.h>
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "io/safetensors.h"
#include "process.h"

namespace cdfss {
namespace {

using testing::ProcessResult;
using testing::quoted;
using testing::TemporaryFolder;

int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(socket, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(socket);
  return ntohs(address.sin_port);
}

class TrainProcesses : public ::testing::Test {
 protected:
  // Images with a square of one of four classes.
  void SetUp() override {
    const std::filesystem::path root = folder_ / "data";
    std::filesystem::create_directories(root / "images");
    std::filesystem::create_directories(root / "masks");
    testing::write_bytes(root / "classes.txt", "-\nbox\ncrate\nbin\nbag\n");
    for (int i = 0; i < 16; ++i) {
      cv::Mat image(80, 90, CV_8UC3);
      cv::RNG(i + 1).fill(image, cv::RNG::UNIFORM, 40, 200);
      cv::Mat mask = cv::Mat::zeros(80, 90, CV_8UC1);
      const cv::Rect box(2 * i, 10, 50, 50);
      image(box).setTo(cv::Scalar(60 * (i % 4), 200 - 40 * (i % 4), 20));
      mask(box).setTo(1 + i % 4);
      cv::imwrite((root / "images" / (std::to_string(i) + ".png")).string(), image);
      cv::imwrite((root / "masks" / (std::to_string(i) + ".png")).string(), mask);
    }
  }

  std::string command(int batch, const std::string& output, const std::string& more = "") const {
    return testing::program("trainer/cdfss-train") + " --data " +
           quoted("folder:" + (folder_ / "data").string()) + " --output " +
           quoted(folder_ / output) + " --batch " + std::to_string(batch) +
           " --steps 3 --input-size 41 --scale-min 0.5 --scale-max 0.7 --threads 1 "
           "--loader-threads 1 " +
           more;
  }

  // As torchrun starts them on one machine; one command a rank.
  static ProcessResult run_processes(const std::vector<std::string>& commands) {
    std::string script = "export WORLD_SIZE=" + std::to_string(commands.size()) +
                         " MASTER_ADDR=127.0.0.1 MASTER_PORT=" + std::to_string(free_port()) + "; ";
    for (std::size_t i = commands.size(); i-- > 0;) {
      const std::string rank = std::to_string(i);
      script += "( export RANK=" + rank + " LOCAL_RANK=" + rank + "; " + commands[i] + " )";
      script += i > 0 ? " & " : "; first=$?; wait; exit $first";
    }
    return testing::run_shell(script);
  }
  ProcessResult run_processes(int count, int batch, const std::string& output,
                              const std::string& more = "") const {
    return run_processes(std::vector<std::string>(count, command(batch, output, more)));
  }

  // Largest difference of any tensor of two runs' last models.
  double largest_difference(const std::string& a, const std::string& b) const {
    const SafetensorsFile first = read_safetensors(folder_ / a / "last.safetensors");
    const SafetensorsFile second = read_safetensors(folder_ / b / "last.safetensors");
    EXPECT_EQ(first.tensors.size(), second.tensors.size());
    double largest = 0;
    for (const auto& [name, tensor] : first.tensors) {
      const at::Tensor difference =
          tensor.to(at::kDouble) - second.tensors.at(name).to(at::kDouble);
      largest = std::max(largest, difference.abs().max().item<double>());
    }
    return largest;
  }

  TemporaryFolder folder_;
};

TEST_F(TrainProcesses, TwoWithHalfABatchEqualOneWithAll) {
  const ProcessResult one = testing::run_shell(command(4, "one"));
  ASSERT_EQ(one.exit_code, 0) << one.errors;
  const ProcessResult two = run_processes(2, 2, "two");
  ASSERT_EQ(two.exit_code, 0) << two.errors;
  EXPECT_LT(largest_difference("one", "two"), 1e-5);

  // The comparison can fail: other episodes give other weights.
  const ProcessResult other = testing::run_shell(command(4, "other", "--seed 5"));
  ASSERT_EQ(other.exit_code, 0) << other.errors;
  EXPECT_GT(largest_difference("one", "other"), 1e-4);
}

TEST_F(TrainProcesses, AStoppedRunGoesOnAsAnUninterruptedOne) {
  const ProcessResult whole = run_processes(2, 2, "whole");
  ASSERT_EQ(whole.exit_code, 0) << whole.errors;
  const ProcessResult stopped = run_processes(2, 2, "stopped", "--max-seconds 0.1");
  ASSERT_EQ(stopped.exit_code, 0) << stopped.errors;
  EXPECT_NE(stopped.output.find("--resume goes on from there"), std::string::npos)
      << stopped.output;
  const ProcessResult rest = run_processes(2, 2, "stopped", "--resume --max-seconds 0");
  ASSERT_EQ(rest.exit_code, 0) << rest.errors;
  EXPECT_EQ(largest_difference("whole", "stopped"), 0);
}

TEST_F(TrainProcesses, OnlyTheFirstWrites) {
  const ProcessResult result = run_processes(
      2, 2, "run", "--validation folder:" + quoted(folder_ / "data") + " --validation-episodes 2");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  std::size_t lines = 0;
  for (const char c : testing::read_bytes(folder_ / "run/metrics.jsonl")) lines += c == '\n';
  EXPECT_EQ(lines, 4U);  // three steps and the validation at the end
}

TEST_F(TrainProcesses, WhatCannotBeSharedOutIsRefused) {
  for (const char* option :
       {"--bn train", "--enhance-with mixstyle", "--enhance-with mixup", "--enhance-with noise",
        "--alpha-mode beta", "--enhancement-probability 0.5", "--amplitude-mix 0.01",
        "--feature-cache 1"}) {
    const ProcessResult result = run_processes(2, 2, "refused", option);
    EXPECT_EQ(result.exit_code, 2) << option << result.errors;
    EXPECT_NE(result.errors.find(std::string(option).substr(0, 6)), std::string::npos)
        << result.errors;
  }
}

TEST_F(TrainProcesses, OnesThatDifferAreRefused) {
  const auto expect_refused = [](const std::vector<std::string>& commands,
                                 std::initializer_list<const char*> parts) {
    const ProcessResult result = run_processes(commands);
    EXPECT_EQ(result.exit_code, 1) << result.errors;
    for (const char* part : parts) {
      // By both.
      const std::size_t first = result.errors.find(part);
      ASSERT_NE(first, std::string::npos) << part << "\n" << result.errors;
      EXPECT_NE(result.errors.find(part, first + 1), std::string::npos) << result.errors;
    }
  };
  expect_refused({command(2, "run"), command(2, "run", "--seed 5 --memory-slots 4")},
                 {"options:\n  --memory-slots: 10 in process 0, 4 in process 1\n"
                  "  --seed: 321 in process 0, 5 in process 1"});

  for (const char* name : {"one", "two"}) {
    std::filesystem::create_directories(folder_ / name);
    std::filesystem::copy(folder_ / "data", folder_ / name / "more",
                          std::filesystem::copy_options::recursive);
  }
  std::filesystem::remove(folder_ / "two/more/images/3.png");
  std::filesystem::remove(folder_ / "two/more/masks/3.png");
  const std::string more = command(2, "run", "--data folder:more");
  expect_refused({"cd " + quoted(folder_ / "one") + " && " + more,
                  "cd " + quoted(folder_ / "two") + " && " + more},
                 {"process 1 differs from process 0: images or classes"});

  ASSERT_EQ(run_processes(2, 2, "begun").exit_code, 0);
  expect_refused({command(2, "begun", "--resume"), command(2, "begun")}, {"goes on after"});
}

TEST_F(TrainProcesses, AMissingVariableIsNamed) {
  const ProcessResult result =
      testing::run_shell("RANK=0 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 " + command(2, "run"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.errors.find("MASTER_PORT"), std::string::npos) << result.errors;
}

}  // namespace
}  // namespace cdfss
