#include "video_evaluation.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "data/image_file.h"
#include "io_test_support.h"
#include "video_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::TemporaryFolder;
using testing::write_square_video;

// Answers with the support's mask, whatever the image: its scores are geometry.
class RepeatSupport : public VideoMethod {
 public:
  void set_support(const cv::Mat& image, const cv::Mat& label, const std::string&) override {
    EXPECT_EQ(image.size(), label.size());
    label_ = label;
  }
  cv::Mat segment(const ImageView&) override { return label_.clone(); }
  int input_size() const override { return 0; }
  std::string device() const override { return "cpu"; }
  std::string precision() const override { return "fp32"; }

 private:
  cv::Mat label_;
};

class EvaluateVideos : public ::testing::Test {
 protected:
  VideoTask plan(const std::string& name, int every = 1) {
    return plan_video(find_sequences(root_, {name}).front(), every);
  }
  std::filesystem::path annotation(const std::string& name, int index) {
    return root_ / "Annotations" / "480p" / name / testing::frame_name(index, ".png");
  }
  TemporaryFolder folder_;
  std::filesystem::path root_ = folder_ / "davis";
  RepeatSupport method_;
};

// The square of 32 pixels moves 4 to the right a frame: after i frames two squares share 32 - 4 i
// columns and cover 32 + 4 i.
double square_j(int distance) { return (32.0 - 4 * distance) / (32 + 4 * distance); }

TEST_F(EvaluateVideos, ScoresEveryFrameAfterTheFirst) {
  write_square_video(root_, "square", 3);
  const VideoEvaluation result = evaluate_videos(method_, {plan("square")});
  ASSERT_EQ(result.sequences.size(), 1U);
  EXPECT_EQ(result.sequences[0].frames, 2);
  EXPECT_NEAR(result.sequences[0].j, (square_j(1) + square_j(2)) / 2, 1e-12);
  EXPECT_GT(result.sequences[0].f, 0);
  EXPECT_LT(result.sequences[0].f, 1);
}

TEST_F(EvaluateVideos, MeansWeighSequencesTheSame) {
  write_square_video(root_, "long", 3);
  write_square_video(root_, "short", 2);
  const VideoEvaluation result = evaluate_videos(method_, {plan("long"), plan("short")});
  EXPECT_EQ(result.frames(), 3);
  EXPECT_NEAR(result.mean_j(), ((square_j(1) + square_j(2)) / 2 + square_j(1)) / 2, 1e-12);
}

TEST_F(EvaluateVideos, EveryNthFrameCountsFromTheSupport) {
  write_square_video(root_, "square", 8);
  cv::imwrite(annotation("square", 0).string(), testing::square_mask(0, 0));  // nothing in it yet
  const VideoTask task = plan("square", 3);
  EXPECT_EQ(task.support, 1);
  EXPECT_EQ(task.scored, (std::vector<int>{4, 7}));
}

TEST_F(EvaluateVideos, FramesWithoutAnnotationAreNotScored) {
  write_square_video(root_, "square", 4);
  std::filesystem::remove(annotation("square", 2));
  EXPECT_EQ(plan("square").scored, (std::vector<int>{1, 3}));
}

TEST_F(EvaluateVideos, IgnoredPixelsCountForNothing) {
  write_square_video(root_, "square", 2, 1);
  // Wherever the two squares differ is ignored: the score is perfect.
  cv::Mat mask = testing::square_mask(1, 1);
  mask.setTo(255, testing::square_mask(0, 1) != mask);
  cv::imwrite(annotation("square", 1).string(), mask);
  const VideoEvaluation result = evaluate_videos(method_, {plan("square")});
  EXPECT_EQ(result.mean_j(), 1);
}

TEST_F(EvaluateVideos, AnObjectThatIsGoneAndNotPredictedIsRight) {
  class PredictNothing : public RepeatSupport {
    cv::Mat segment(const ImageView& frame) override {
      return cv::Mat::zeros(frame.height, frame.width, CV_8UC1);
    }
  } method;
  write_square_video(root_, "square", 3);
  cv::imwrite(annotation("square", 2).string(), testing::square_mask(2, 0));
  const VideoEvaluation result = evaluate_videos(method, {plan("square")});
  EXPECT_EQ(result.mean_j(), 0.5);  // 0 while it is there, 1 when it is not
  EXPECT_EQ(result.mean_f(), 0.5);
}

TEST_F(EvaluateVideos, SavesMasksUnderTheFramesName) {
  write_square_video(root_, "square", 2);
  evaluate_videos(method_, {plan("square")}, folder_ / "masks");
  const cv::Mat saved = read_index(folder_ / "masks" / "square" / "00001.png");
  EXPECT_EQ(cv::countNonZero(saved != testing::square_mask(0, 1)), 0);
}

TEST_F(EvaluateVideos, StopsWhenToldAndKeepsWhatItHas) {
  write_square_video(root_, "square", 5);
  const VideoEvaluation result = evaluate_videos(
      method_, {plan("square")}, {}, [](int done, const SequenceScore&) { return done < 2; });
  EXPECT_EQ(result.frames(), 2);
}

TEST_F(EvaluateVideos, NamesWhatCannotBeScored) {
  write_square_video(root_, "one", 1);
  expect_error(ErrorCode::kInvalidValue, {"\"one\"", "no annotated frame"}, [&] { plan("one"); });
  write_square_video(root_, "empty", 2, 0);
  expect_error(ErrorCode::kInvalidValue, {"\"empty\"", "no mask"}, [&] { plan("empty"); });
  write_square_video(root_, "sizes", 2);
  cv::imwrite(annotation("sizes", 1).string(), cv::Mat::ones(10, 20, CV_8UC1));
  expect_error(ErrorCode::kInvalidValue, {"sizes/00001.png", "20x10", "96x64"},
               [&] { evaluate_videos(method_, {plan("sizes")}); });
}

}  // namespace
}  // namespace cdfss
