// `cdfss-eval --video` measures the pipeline: the same frames give the same masks.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "../unit/video_test_support.h"
#include "cdfss/segmenter.h"
#include "data/image_file.h"
#include "process.h"

namespace cdfss {
namespace {

using testing::ProcessResult;
using testing::quoted;
using testing::TemporaryFolder;

constexpr int kFrames = 5;

std::string model() { return std::getenv("CDFSS_TEST_MODEL"); }

class EvalPipeline : public ::testing::Test {
 protected:
  EvalPipeline() {
    testing::write_square_video(root_, "square", kFrames);
    for (int i = 0; i < kFrames; ++i) write_frame(i);
  }

  std::filesystem::path frame(int index) const {
    return root_ / "JPEGImages" / "480p" / "square" / testing::frame_name(index, ".jpg");
  }
  // Colours that change from pixel to pixel, stored at half the resolution (4:2:0): decoders
  // disagree on how to enlarge them.
  void write_frame(int index) {
    cv::Mat image = cv::imread(frame(index).string());
    cv::Mat noise(image.size(), CV_8UC3);
    cv::RNG(index).fill(noise, cv::RNG::UNIFORM, 0, 256);
    cv::addWeighted(image, 0.5, noise, 0.5, 0, image);
    cv::imwrite(frame(index).string(), image, {cv::IMWRITE_JPEG_QUALITY, 90});
  }
  std::string make_support() {
    const std::filesystem::path folder = folder_ / "support";
    std::filesystem::create_directory(folder);
    std::filesystem::copy_file(frame(0), folder / "00000.jpg");
    std::filesystem::copy_file(
        root_ / "Annotations" / "480p" / "square" / testing::frame_name(0, ".png"),
        folder / "00000.png");
    return folder.string();
  }
  // A threshold that divides the masks of random weights.
  std::string median_probability(const std::string& support) {
    Segmenter segmenter(model());
    segmenter.set_support(SupportSet::load(support));
    Mask mask = segmenter.segment(to_image(read_rgb(frame(1))).view(), true);
    auto& values = mask.probabilities;
    std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
    char text[32];
    std::snprintf(text, sizeof text, "%.9g", values[values.size() / 2]);
    return text;
  }
  ProcessResult eval(const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"--video", root_.string(), "--model", model()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return testing::run("trainer/cdfss-eval", arguments);
  }
  void expect_failure(const ProcessResult& result, std::initializer_list<std::string> parts) {
    EXPECT_EQ(result.exit_code, 1) << result.errors;
    EXPECT_TRUE(result.errors.starts_with("cdfss-eval: ")) << result.errors;
    for (const std::string& part : parts) {
      EXPECT_NE(result.errors.find(part), std::string::npos)
          << "\"" << part << "\" is not in: " << result.errors;
    }
  }

  TemporaryFolder folder_;
  std::filesystem::path root_ = folder_ / "davis";
};

TEST_F(EvalPipeline, MasksAreTheElementsBitForBit) {
  const std::string support = make_support();
  const std::string threshold = median_probability(support);
  const std::filesystem::path masks = folder_ / "element";
  std::filesystem::create_directory(masks);
  const ProcessResult launched = testing::run_shell(
      "gst-launch-1.0 -q multifilesrc location=" + quoted((frame(0).parent_path() / "%05d.jpg")) +
      " caps=image/jpeg,framerate=24/1 ! jpegdec ! videoconvert ! cdfssseg model=" +
      quoted(model()) + " support=" + quoted(support) + " threshold=" + threshold +
      " output=mask ! pngenc ! multifilesink location=" + quoted(masks / "%05d.png"));
  ASSERT_EQ(launched.exit_code, 0) << launched.errors;
  const ProcessResult evaluated =
      eval({"--threshold", threshold, "--save-masks", folder_ / "eval"});
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.errors;

  for (int i = 1; i < kFrames; ++i) {
    const std::string name = testing::frame_name(i, ".png");
    const cv::Mat of_element = cv::imread((masks / name).string(), cv::IMREAD_UNCHANGED);
    const cv::Mat of_eval =
        cv::imread((folder_ / "eval" / "square" / name).string(), cv::IMREAD_UNCHANGED);
    ASSERT_EQ(of_element.size(), cv::Size(testing::kVideoWidth, testing::kVideoHeight)) << name;
    ASSERT_EQ(of_eval.size(), of_element.size()) << name;
    EXPECT_EQ(cv::countNonZero(of_eval != of_element), 0) << name;
    EXPECT_GT(cv::countNonZero(of_element), 0) << "the masks of " << name << " show nothing";
    EXPECT_LT(cv::countNonZero(of_element), of_element.total()) << name;
  }
}

TEST_F(EvalPipeline, FramesThatCannotBeDecodedAreNamed) {
  const std::string whole = testing::read_bytes(frame(2));
  testing::write_bytes(frame(2), whole.substr(0, whole.size() / 2));
  expect_failure(eval({}), {"00002.jpg", "too early"});
  testing::write_bytes(frame(2), "not a picture");
  expect_failure(eval({}), {"00002.jpg", "cannot be decoded"});
  testing::write_bytes(frame(2), "");
  expect_failure(eval({}), {"00002.jpg", "empty"});
}

TEST_F(EvalPipeline, FramesMayBePng) {
  for (int i = 0; i < kFrames; ++i) {
    const cv::Mat image = cv::imread(frame(i).string());
    cv::imwrite(frame(i).replace_extension(".png").string(), image);
    std::filesystem::remove(frame(i));
  }
  const ProcessResult result = eval({});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
}

TEST_F(EvalPipeline, AMissingGStreamerPluginNamesItsPackage) {
  const ProcessResult result =
      testing::run_shell("GST_PLUGIN_SYSTEM_PATH=" + quoted(folder_ / "none") +
                         " GST_PLUGIN_PATH= GST_REGISTRY=" + quoted(folder_ / "registry") + " " +
                         testing::program("trainer/cdfss-eval") + " --video " + quoted(root_) +
                         " --model " + quoted(model()));
  expect_failure(result, {"appsrc", "gstreamer1.0-plugins-base"});
}

}  // namespace
}  // namespace cdfss
