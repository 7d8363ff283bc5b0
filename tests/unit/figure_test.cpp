#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "data_test_support.h"
#include "figure_masks.h"
#include "figure_prototypes.h"
#include "figure_scatter.h"

namespace cdfss {
namespace {

TEST(TintMask, ColoursTheObjectAndLeavesTheRest) {
  const cv::Mat image(40, 60, CV_8UC3, cv::Scalar(100, 100, 100));
  cv::Mat mask = cv::Mat::zeros(40, 60, CV_8UC1);
  mask(cv::Rect(10, 10, 20, 20)).setTo(1);
  mask.col(59).setTo(255);
  const cv::Mat tinted = tint_mask(image, mask);
  EXPECT_EQ(tinted.at<cv::Vec3b>(35, 40), cv::Vec3b(100, 100, 100));
  EXPECT_EQ(tinted.at<cv::Vec3b>(20, 20), cv::Vec3b(165, 65, 70));    // half way to red
  EXPECT_EQ(tinted.at<cv::Vec3b>(20, 59), cv::Vec3b(114, 114, 114));  // half way to grey
  EXPECT_EQ(tinted.at<cv::Vec3b>(10, 10), cv::Vec3b(230, 30, 40));    // the contour
  EXPECT_EQ(image.at<cv::Vec3b>(20, 20), cv::Vec3b(100, 100, 100));   // a copy
}

MaskRow row_of(cv::Size size) {
  const cv::Mat image(size, CV_8UC3, cv::Scalar(10, 20, 30));
  const cv::Mat label = cv::Mat::zeros(size, CV_8UC1);
  return {.class_name = "a class whose name does not fit the cell it is written over",
          .query = {image, label},
          .support = {image, label},
          .ours = label,
          .baseline = label};
}

TEST(DrawMasks, FitsAnyImageIntoItsCell) {
  const cv::Mat canvas = draw_masks({row_of({300, 100}), row_of({1, 500})}, "ours", "baseline");
  const int step = kMaskCell + 2 * kMaskMargin;
  ASSERT_EQ(canvas.size(), cv::Size(5 * step, kMaskCaption + 2 * (kMaskCaption + step)));
  const int top = 2 * kMaskCaption;  // of the first row's cells
  for (int column = 0; column < kMaskColumns; ++column) {
    const int x = column * step;
    EXPECT_EQ(canvas.at<cv::Vec3b>(top + step / 2, x + kMaskMargin), cv::Vec3b(10, 20, 30));
    EXPECT_EQ(canvas.at<cv::Vec3b>(top + kMaskMargin, x + step / 2), cv::Vec3b(255, 255, 255));
  }
}

TEST(DrawPrototypeSamples, TakesClassesWithImagesAndRepeatsWithItsSeed) {
  const testing::FakeDataset dataset({"a", "b", "c"}, {{0}, {0, 2}, {0}, {1}, {0, 2}});
  const auto drawn = draw_prototype_samples(dataset, 3, 7);
  ASSERT_EQ(drawn.size(), 5U);  // 3 of a's 4; b has one image only; both of c
  for (int i = 0; i < 3; ++i) EXPECT_EQ(drawn[i].class_id, 0);
  EXPECT_EQ(drawn[3].class_id, 2);
  EXPECT_EQ(drawn[3].image + drawn[4].image, 1 + 4);
  const auto again = draw_prototype_samples(dataset, 3, 7);
  for (std::size_t i = 0; i < drawn.size(); ++i) EXPECT_EQ(drawn[i].image, again[i].image);
  testing::expect_error(ErrorCode::kInvalidValue, {"two images"}, [] {
    draw_prototype_samples(testing::FakeDataset({"a", "b"}, {{0}, {1}}), 3, 7);
  });
}

TEST(DrawPrototypeSamples, LeavesOutTheRarestOfManyClasses) {
  std::vector<std::string> classes;
  std::vector<std::vector<int>> classes_in;
  for (int id = 0; id < kMostPrototypeClasses + 1; ++id) {
    classes.push_back(std::to_string(id));
    const int images = id == 4 ? 2 : 3;
    for (int i = 0; i < images; ++i) classes_in.push_back({id});
  }
  const auto drawn = draw_prototype_samples(testing::FakeDataset(classes, classes_in), 5, 1);
  EXPECT_EQ(drawn.size(), 3U * kMostPrototypeClasses);
  for (const PrototypeSample& sample : drawn) EXPECT_NE(sample.class_id, 4);
}

// Two classes on two axes of three: all variance is in two components. Within a class the cosine is
// 1 * .8 + 0 * .6 = .8; between them 0 for the first two, .36 + 0 for (.6, ., .) and so on.
TEST(Project, KeepsDistancesOfWhatIsFlatAndMeasuresCosines) {
  const cv::Mat vectors = (cv::Mat_<float>(4, 3) << 1, 0, 0,  //
                           .8F, .6F, 0,                       //
                           0, 1, 0,                           //
                           -.6F, .8F, 0);
  const PrototypeProjection result = project({.vectors = vectors, .class_ids = {0, 0, 1, 1}});
  ASSERT_EQ(result.points.size(), cv::Size(2, 4));
  EXPECT_NEAR(result.explained, 1, 1e-6);
  EXPECT_NEAR(result.within, 0.8, 1e-6);                        // (.8 + .8) / 2
  EXPECT_NEAR(result.between, (0 + -0.6 + 0.6 + 0) / 4, 1e-6);  // -.8 * .6 + .6 * .8 = 0
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < i; ++j) {
      EXPECT_NEAR(cv::norm(result.points.row(i), result.points.row(j)),
                  cv::norm(vectors.row(i), vectors.row(j)), 1e-5);
    }
  }
}

TEST(Project, EqualVectorsAreOnePoint) {
  const cv::Mat vectors = cv::Mat::ones(3, 4, CV_32F) / 2;
  const PrototypeProjection result = project({.vectors = vectors, .class_ids = {0, 0, 1}});
  EXPECT_LT(cv::norm(result.points), 1e-5);
  EXPECT_NEAR(result.within, 1, 1e-6);
  EXPECT_NEAR(result.between, 1, 1e-6);
}

ScatterFigure two_points() {
  const cv::Mat points = (cv::Mat_<float>(2, 2) << -1, 0, 1, 1);
  return {.panels = {{.title = "a & b", .caption = "c", .points = points, .groups = {0, 1}}},
          .legend = {"first", "<second>"}};
}

// The plot is 30..450, its centre 240; x spans 388 pixels, so half a unit of y is 97, upwards.
TEST(ScatterSvg, PlacesPointsToScaleAndEscapesNames) {
  const std::string svg = scatter_svg(two_points());
  EXPECT_NE(svg.find("width=\"660\" height=\"480\""), std::string::npos) << svg;
  EXPECT_NE(svg.find("<circle cx=\"46\" cy=\"337\""), std::string::npos) << svg;
  EXPECT_NE(svg.find("<polygon points=\"430,139 438,139 438,147 430,147\""), std::string::npos)
      << svg;  // the second group's mark is a square
  EXPECT_NE(svg.find("a &amp; b"), std::string::npos);
  EXPECT_NE(svg.find("&lt;second&gt;"), std::string::npos);
}

TEST(DrawScatter, PaintsTheSamePoints) {
  const cv::Mat canvas = draw_scatter(two_points());
  ASSERT_EQ(canvas.size(), cv::Size(660, 480));
  const auto first = canvas.at<cv::Vec3b>(337, 46);
  const auto second = canvas.at<cv::Vec3b>(143, 434);
  EXPECT_NE(first, cv::Vec3b(255, 255, 255));
  EXPECT_NE(second, cv::Vec3b(255, 255, 255));
  EXPECT_NE(first, second);
}

}  // namespace
}  // namespace cdfss
