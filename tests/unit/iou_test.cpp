#include "iou.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "io_test_support.h"

namespace cdfss {
namespace {

cv::Mat row(std::initializer_list<int> values) {
  cv::Mat mat(1, static_cast<int>(values.size()), CV_8UC1);
  int x = 0;
  for (const int value : values) mat.at<std::uint8_t>(0, x++) = static_cast<std::uint8_t>(value);
  return mat;
}

TEST(Overlap, CountsPixelsInBothAndInEither) {
  const Overlap object = overlap(row({1, 1, 0, 0}), row({1, 0, 1, 0}), 1);
  EXPECT_EQ(object.intersection, 1);
  EXPECT_EQ(object.united, 3);
  const Overlap background = overlap(row({1, 1, 0, 0}), row({1, 0, 1, 0}), 0);
  EXPECT_EQ(background.intersection, 1);
  EXPECT_EQ(background.united, 3);
}

TEST(Overlap, IgnoredPixelsCountForNothing) {
  const Overlap object = overlap(row({1, 1, 1}), row({1, 255, 255}), 1);
  EXPECT_EQ(object.intersection, 1);
  EXPECT_EQ(object.united, 1);
}

TEST(Overlap, EmptyRegionsGiveWhatTheCallerSays) {
  EXPECT_EQ(overlap(row({0}), row({0}), 1).iou(1), 1);
  EXPECT_EQ(overlap(row({0}), row({0}), 1).iou(0), 0);
  EXPECT_EQ(overlap(row({1}), row({0}), 1).iou(1), 0);
}

TEST(Overlap, RefusesAnotherSize) {
  testing::expect_error(ErrorCode::kInvalidValue, {"3x1", "2x1"},
                        [] { overlap(row({0, 0, 0}), row({0, 0}), 1); });
}

TEST(IouAccumulator, SumsBeforeItDivides) {
  IouAccumulator iou;
  iou.add(4, row({1, 0, 0, 0}), row({1, 0, 0, 0}));  // object 1/1, background 3/3
  iou.add(4, row({0, 0, 0, 0}), row({1, 1, 1, 0}));  // object 0/3, background 1/4
  EXPECT_DOUBLE_EQ(iou.per_class().at(4), 1.0 / 4);  // not the mean of 1 and 0
  EXPECT_DOUBLE_EQ(iou.miou(), 1.0 / 4);
  EXPECT_DOUBLE_EQ(iou.fb_iou(), (1.0 / 4 + 4.0 / 7) / 2);
}

TEST(IouAccumulator, ClassesWeighTheSameInTheMeanButNotInFbIou) {
  IouAccumulator iou;
  iou.add(0, row({1, 1, 1, 1}), row({1, 1, 1, 1}));  // object 4/4, background 0/0
  iou.add(7, row({1, 0, 0, 0}), row({1, 1, 0, 0}));  // object 1/2, background 2/3
  EXPECT_DOUBLE_EQ(iou.miou(), (1.0 + 1.0 / 2) / 2);
  EXPECT_DOUBLE_EQ(iou.fb_iou(), (5.0 / 6 + 2.0 / 3) / 2);
}

TEST(IouAccumulator, IsZeroBeforeTheFirstEpisode) {
  EXPECT_EQ(IouAccumulator().miou(), 0);
  EXPECT_EQ(IouAccumulator().fb_iou(), 0);
}

}  // namespace
}  // namespace cdfss
