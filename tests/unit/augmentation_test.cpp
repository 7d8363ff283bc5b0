#include "data/augmentation.h"

#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "data_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::same;

constexpr int kSeeds = 100;

// Red where the label is 1, green where it is 0.
Sample square_sample(int width, int height, const cv::Rect& object) {
  Sample sample{.image = cv::Mat(height, width, CV_8UC3, cv::Scalar(0, 200, 0)),
                .label = cv::Mat::zeros(height, width, CV_8UC1)};
  sample.image(object).setTo(cv::Scalar(200, 0, 0));
  sample.label(object).setTo(1);
  return sample;
}

Sample augmented(const Sample& sample, const AugmentationOptions& options, std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  return augment(sample, options, generator);
}

TEST(Fit, PadsAtTheBottomAndRight) {
  // Longer side 100 -> 73 -> 72, other side int(50 * .73) = 36 -> 32.
  const Sample fitted = fit(square_sample(100, 50, {0, 0, 100, 50}), 73, Layout::kPad);
  ASSERT_EQ(fitted.image.size(), cv::Size(73, 73));
  const cv::Rect content(0, 0, 72, 32);
  cv::Mat expected(73, 73, CV_8UC1, cv::Scalar(255));
  expected(content).setTo(1);
  EXPECT_TRUE(same(fitted.label, expected));
  cv::Mat image(73, 73, CV_8UC3, cv::Scalar(0, 0, 0));
  image(content).setTo(cv::Scalar(200, 0, 0));
  EXPECT_TRUE(same(fitted.image, image));
}

TEST(Fit, SidesAreMultiplesOfEightButNeverNothing) {
  const auto content = [](int width, int height, int size) {
    const Sample fitted =
        fit(square_sample(width, height, {0, 0, width, height}), size, Layout::kPad);
    return cv::boundingRect(fitted.label == 1).size();
  };
  EXPECT_EQ(content(640, 480, 473), cv::Size(472, 352));  // 354.75 -> 354 -> 352
  EXPECT_EQ(content(480, 640, 473), cv::Size(352, 472));
  EXPECT_EQ(content(500, 500, 473), cv::Size(472, 472));
  EXPECT_EQ(content(20, 10, 41), cv::Size(40, 16));  // enlarged: 20.5 -> 20 -> 16
  EXPECT_EQ(content(900, 3, 241), cv::Size(240, 8));
}

TEST(Fit, StretchFillsTheSquare) {
  const Sample fitted = fit(square_sample(10, 4, {5, 0, 5, 4}), 40, Layout::kStretch);
  EXPECT_EQ(fitted.image.size(), cv::Size(40, 40));
  EXPECT_EQ(cv::boundingRect(fitted.label == 1), cv::Rect(20, 0, 20, 40));
  EXPECT_EQ(cv::countNonZero(fitted.label == 255), 0);
}

TEST(Augment, ImageAndLabelMoveTogether) {
  const Sample sample = square_sample(120, 90, {40, 20, 30, 40});
  for (int seed = 0; seed < kSeeds; ++seed) {
    const Sample result = augmented(sample, {.size = 97}, seed);
    ASSERT_EQ(result.image.size(), cv::Size(97, 97));
    ASSERT_EQ(result.label.size(), cv::Size(97, 97));
    // Away from edges, which are blurred and interpolated, the colour tells the label.
    for (const auto& [value, colour] :
         {std::pair{1, cv::Scalar(200, 0, 0)}, std::pair{0, cv::Scalar(0, 200, 0)},
          std::pair{255, cv::Scalar(124, 116, 104)}}) {
      cv::Mat inside;
      cv::erode(result.label == value, inside, cv::Mat::ones(9, 9, CV_8UC1), cv::Point(-1, -1), 1,
                cv::BORDER_CONSTANT, cv::Scalar(0));
      cv::Mat wrong;
      cv::inRange(result.image, colour, colour, wrong);
      EXPECT_EQ(cv::countNonZero(inside & ~wrong), 0) << "seed " << seed << ", label " << value;
    }
    cv::Mat known = (result.label == 0) | (result.label == 1) | (result.label == 255);
    EXPECT_EQ(cv::countNonZero(known), 97 * 97);
  }
}

TEST(Augment, ScalesAndPadsAroundTheMiddle) {
  // 20 x 10 doubled is 40 x 20, so 64 x 64 leaves 12 columns and 22 rows on either side.
  const Sample sample = square_sample(20, 10, {0, 0, 20, 10});
  int unrotated = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const Sample result = augmented(sample, {.size = 64, .scale_min = 2, .scale_max = 2}, seed);
    const int area = cv::countNonZero(result.label == 1);
    EXPECT_LE(area, 800);
    if (area == 800) {
      ++unrotated;
      EXPECT_EQ(cv::boundingRect(result.label == 1), cv::Rect(12, 22, 40, 20));
    }
  }
  EXPECT_NEAR(unrotated, kSeeds / 2, 20);  // rotation has p = .5
}

TEST(Augment, FlipsHalfOfTheTime) {
  const Sample sample = square_sample(60, 60, {0, 20, 20, 20});  // on the left
  int flipped = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const Sample result = augmented(sample, {.size = 81}, seed);
    flipped += cv::boundingRect(result.label == 1).x > 40;
  }
  EXPECT_NEAR(flipped, kSeeds / 2, 20);
}

TEST(Augment, BlursHalfOfTheTime) {
  const Sample sample = square_sample(40, 40, {0, 0, 20, 40});
  int blurred = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    // Without scaling, only rotation and blur make colours between red and green. 5 x 5 blurs four
    // columns, the interpolation of a rotation two at most a row.
    const Sample result = augmented(sample, {.size = 41, .scale_min = 1, .scale_max = 1}, seed);
    cv::Mat between;
    cv::inRange(result.image.row(20), cv::Scalar(1, 1, 0), cv::Scalar(199, 199, 0), between);
    blurred += cv::countNonZero(between) >= 4;
  }
  EXPECT_NEAR(blurred, kSeeds / 2, 20);
}

TEST(Augment, CropKeepsMostOfTheObject) {
  // One window in about three holds this object, so 32 draws all but surely find one.
  const Sample sample = square_sample(400, 400, {90, 90, 20, 20});
  for (int seed = 0; seed < kSeeds; ++seed) {
    const Sample result = augmented(sample, {.size = 241, .scale_min = 1, .scale_max = 1}, seed);
    EXPECT_GE(cv::countNonZero(result.label == 1), 330)
        << "seed " << seed;  // .85 of 400 less edges
  }
}

TEST(Augment, ResizeLaysOutAsTheTestTransform) {
  const Sample sample = square_sample(100, 50, {0, 0, 100, 50});
  for (int seed = 0; seed < 20; ++seed) {
    const Sample result = augmented(sample, {.size = 73, .resize = true}, seed);
    EXPECT_EQ(result.image.size(), cv::Size(73, 73));
    EXPECT_EQ(cv::countNonZero(result.image.row(72).reshape(1)), 0);  // black padding
    EXPECT_EQ(cv::countNonZero(result.label(cv::Rect(0, 40, 73, 33)) == 255), 73 * 33);
  }
}

TEST(Augment, JitterChangesColoursOnlyAndSometimesToGrey) {
  const Sample sample = square_sample(30, 30, {5, 5, 20, 20});
  int grey = 0;
  int changed = 0;
  for (int seed = 0; seed < 2 * kSeeds; ++seed) {
    const Sample plain = augmented(sample, {.size = 33}, seed);
    const Sample jittered = augmented(sample, {.size = 33, .colour_jitter = true}, seed);
    EXPECT_TRUE(same(plain.label, jittered.label));
    changed += !same(plain.image, jittered.image);
    std::vector<cv::Mat> channels;
    cv::split(jittered.image, channels);
    grey += same(channels[0], channels[1]) && same(channels[1], channels[2]);
  }
  EXPECT_EQ(changed, 2 * kSeeds);
  EXPECT_NEAR(grey, 0.2 * 2 * kSeeds, 20);
}

TEST(Augment, SameSeedSameResultAndInputUntouched) {
  const Sample sample = square_sample(50, 50, {5, 5, 20, 20});
  const Sample copy{.image = sample.image.clone(), .label = sample.label.clone()};
  const AugmentationOptions options{.size = 41, .colour_jitter = true};
  const Sample first = augmented(sample, options, 4);
  const Sample second = augmented(sample, options, 4);
  EXPECT_TRUE(same(first.image, second.image) && same(first.label, second.label));
  EXPECT_TRUE(same(sample.image, copy.image) && same(sample.label, copy.label));
}

TEST(Augment, RefusesWrongSamplesAndSizes) {
  Sample sample = square_sample(8, 8, {0, 0, 4, 4});
  expect_error(ErrorCode::kInvalidValue, {"side of 7"}, [&] { fit(sample, 7, Layout::kPad); });
  sample.label = cv::Mat::zeros(8, 9, CV_8UC1);
  expect_error(ErrorCode::kInvalidValue, {"8x8", "9x8"}, [&] { augmented(sample, {}, 0); });
}

}  // namespace
}  // namespace cdfss
