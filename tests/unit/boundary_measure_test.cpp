#include "boundary_measure.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

namespace cdfss {
namespace {

// A 100 x 100 mask with one object. Its diagonal is 141.4: the default tolerance is 2 pixels.
cv::Mat mask_with(const cv::Rect& object) {
  cv::Mat mask = cv::Mat::zeros(100, 100, CV_8UC1);
  mask(object).setTo(1);
  return mask;
}

TEST(BoundaryMap, MarksPixelsThatDifferFromRightOrBelow) {
  const cv::Mat mask = mask_with({10, 10, 2, 2});
  const cv::Mat boundary = boundary_map(mask);
  // Row 9: above and diagonally above the square. Row 10: its left neighbour and its right column
  // (the left column sees object to the right, below and diagonally). Row 11: its bottom row too.
  EXPECT_EQ(cv::countNonZero(boundary), 3 + 2 + 3);
  EXPECT_EQ(boundary.at<std::uint8_t>(9, 9), 255);
  EXPECT_EQ(boundary.at<std::uint8_t>(10, 10), 0);
  EXPECT_EQ(boundary.at<std::uint8_t>(11, 11), 255);
  EXPECT_EQ(boundary.at<std::uint8_t>(12, 12), 0);
}

TEST(BoundaryMap, TheImageBorderIsNoBoundary) {
  EXPECT_EQ(cv::countNonZero(boundary_map(mask_with({0, 0, 100, 100}))), 0);
  // Only the right edge of a half image: one column.
  EXPECT_EQ(cv::countNonZero(boundary_map(mask_with({0, 0, 50, 100}))), 100);
}

TEST(BoundaryMeasure, IsOneForTheSameMaskWhateverTheObjectsValue) {
  const cv::Mat mask = mask_with({20, 30, 40, 20});
  EXPECT_EQ(boundary_measure(mask, mask), 1);
  EXPECT_EQ(boundary_measure(mask, mask * 255), 1);
}

TEST(BoundaryMeasure, ToleratesTwoPixelsAndNotThree) {
  // Vertical edges only, so that a shift moves the whole boundary.
  const cv::Mat label = mask_with({0, 0, 50, 100});
  EXPECT_EQ(boundary_measure(mask_with({0, 0, 52, 100}), label), 1);
  EXPECT_EQ(boundary_measure(mask_with({0, 0, 53, 100}), label), 0);
}

TEST(BoundaryMeasure, IsTheHarmonicMeanOfPrecisionAndRecall) {
  // One of two predicted edges lies on the label's only edge: P = 1/2, R = 1.
  const cv::Mat label = mask_with({0, 0, 50, 100});
  EXPECT_DOUBLE_EQ(boundary_measure(mask_with({20, 0, 30, 100}), label), 2.0 / 3);
}

TEST(BoundaryMeasure, EmptyMasks) {
  const cv::Mat empty = cv::Mat::zeros(100, 100, CV_8UC1);
  const cv::Mat object = mask_with({20, 30, 40, 20});
  EXPECT_EQ(boundary_measure(empty, empty), 1);
  EXPECT_EQ(boundary_measure(object, empty), 0);
  EXPECT_EQ(boundary_measure(empty, object), 0);
}

}  // namespace
}  // namespace cdfss
