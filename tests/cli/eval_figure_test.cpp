// cdfss-eval --figure from the outside.
#include "eval_test_support.h"

namespace cdfss {
namespace {

using namespace testing;

class EvalFigure : public ::testing::Test {
 protected:
  EvalFigure() { write_voc(folder_ / "", 3); }

  std::vector<std::string> call(std::vector<std::string> more) const {
    std::vector<std::string> arguments{"--model", model(), "--dataset",
                                       "pascal:" + (folder_ / "VOCdevkit/VOC2012").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  TemporaryFolder folder_;
};

TEST_F(EvalFigure, MasksAreARowAnEpisode) {
  const std::string output = folder_ / "masks.png";
  const std::vector<std::string> arguments =
      call({"--figure", "masks", "--rows", "3", "--output", output, "--json"});
  const auto report = json_of(eval(arguments));
  ASSERT_EQ(report["rows"].size(), 3U);
  expect_keys(report["rows"][0], {"class", "query", "support", "iou", "baseline_iou"});
  EXPECT_NE(report["rows"][0]["query"], report["rows"][0]["support"]);
  EXPECT_EQ(report["baseline"], "prototypes, no training");

  const cv::Mat picture = cv::imread(output);
  ASSERT_EQ(picture.size(), cv::Size(5 * 204, 20 + 3 * 224));
  for (int column = 0; column < 5; ++column) {  // the middle of every cell is a photo's colour
    for (int row = 0; row < 3; ++row) {
      const cv::Point middle(column * 204 + 102, 20 + row * 224 + 20 + 102);
      EXPECT_NE(picture.at<cv::Vec3b>(middle), cv::Vec3b(255, 255, 255)) << middle;
    }
  }
  const std::string bytes = read_bytes(output);
  ASSERT_EQ(eval(arguments).exit_code, 0);
  EXPECT_EQ(read_bytes(output), bytes);  // the seed decides everything
}

TEST_F(EvalFigure, MasksCompareWithAnotherModel) {
  const std::string output = folder_ / "masks.png";
  const std::string other = folder_ / "other.safetensors";
  write_model_trained_on(other, "folder:x");
  const auto report = json_of(eval(call({"--figure", "masks", "--rows", "1", "--output", output,
                                         "--baseline-model", other, "--json"})));
  EXPECT_EQ(report["baseline"], "other");
  EXPECT_EQ(report["rows"][0]["iou"], report["rows"][0]["baseline_iou"]);  // the same weights
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST_F(EvalFigure, PrototypesArePlottedByClass) {
  const std::string svg = folder_ / "prototypes.svg";
  const auto report = json_of(eval(call(
      {"--figure", "prototypes", "--samples", "2", "--output", svg, "--seed", "5", "--json"})));
  EXPECT_EQ(report["samples"].size(), 8U);  // 2 of each of 4 classes
  ASSERT_EQ(report["panels"].size(), 2U);
  EXPECT_EQ(report["panels"][0]["points"].size(), 8U);
  const std::string text = read_bytes(svg);
  EXPECT_TRUE(text.starts_with("<svg ")) << text.substr(0, 80);
  // Two panels and the legend; four classes are marked by disc, square, diamond and disc.
  EXPECT_EQ(count(text, "<circle"), 2 * 4 + 2);
  EXPECT_EQ(count(text, "<polygon"), 2 * 4 + 2);
  expect_part(text, ">bicycle</text>");

  const std::string png = folder_ / "prototypes.png";
  ASSERT_EQ(eval(call({"--figure", "prototypes", "--samples", "2", "--output", png})).exit_code, 0);
  const cv::Mat picture = cv::imread(png);
  EXPECT_EQ(picture.size(), cv::Size(30 + 2 * 450 + 180, 480));
  cv::Mat hsv;
  std::vector<cv::Mat> channels;
  cv::split(picture, channels);
  EXPECT_GT(cv::countNonZero(channels[0] != channels[2]), 20 * 40);  // 20 coloured points
}

TEST_F(EvalFigure, OfAProtocolDrawsOneFold) {
  const std::string output = folder_ / "fold.png";
  const auto report = json_of(
      eval({"--model", model(), "--figure", "masks", "--rows", "2", "--output", output,
            "--protocol", "coco-pascal", "--fold", "3", "--data-root", folder_ / "", "--json"}));
  EXPECT_EQ(report["rows"][0]["class"], "bottle");
  EXPECT_EQ(report["rows"][1]["class"], "bottle");
}

TEST_F(EvalFigure, WrongCallsAreRefused) {
  expect_failure(eval(call({"--figure", "masks"})), 2, {"--output"});
  expect_failure(eval(call({"--figure", "masks", "--output", "a.svg"})), 2, {"--output", ".png"});
  expect_failure(eval(call({"--figure", "prototypes", "--output", "a.gif"})), 2, {".svg"});
  expect_failure(eval(call({"--figure", "masks", "--output", "a.png", "--samples", "3"})), 2,
                 {"--samples", "prototypes"});
  expect_failure(eval(call({"--figure", "prototypes", "--output", "a.png", "--rows", "3"})), 2,
                 {"--rows", "masks"});
  expect_failure(eval(call({"--output", "a.png"})), 2, {"--output", "--figure"});
  expect_failure(eval({"--model", "m", "--protocol", "coco-pascal", "--data-root", "d", "--figure",
                       "masks", "--output", "a.png"}),
                 2, {"--fold"});
  expect_failure(eval(call({"--figure", "masks", "--output", folder_ / "no/a.png"})), 1,
                 {"no/a.png"});
  expect_failure(eval(call({"--figure", "masks", "--output", folder_ / "a.png", "--baseline-model",
                            "missing.safetensors"})),
                 1, {"missing.safetensors"});
}

}  // namespace
}  // namespace cdfss
