#include "data/augmentation.h"

#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string>

#include "cdfss/error.h"
#include "data/colour_jitter.h"
#include "data/random.h"

namespace cdfss {
namespace {

const cv::Scalar kMeanRgb(124, 116, 104);  // 255 * (.485, .456, .406), rounded
const cv::Scalar kIgnore(255);
constexpr double kMaximumAngle = 10;  // degrees
constexpr double kKeptForeground = 0.85;
constexpr int kMaximumRedraws = 31;
constexpr int kMultiple = 8;  // SPEC A13 floors both sides to it

void check(const Sample& sample, int size) {
  if (sample.image.type() != CV_8UC3 || sample.label.type() != CV_8UC1 || sample.image.empty() ||
      sample.image.size() != sample.label.size()) {
    throw Error(ErrorCode::kInvalidValue,
                "a sample with an image of " + std::to_string(sample.image.cols) + "x" +
                    std::to_string(sample.image.rows) + " and a label of " +
                    std::to_string(sample.label.cols) + "x" + std::to_string(sample.label.rows) +
                    ", expected 8-bit RGB and an 8-bit label of the same size");
  }
  if (size < kMultiple) {
    throw Error(ErrorCode::kInvalidValue, "an output side of " + std::to_string(size) +
                                              " pixels, expected " + std::to_string(kMultiple) +
                                              " or more");
  }
}

Sample resize(const Sample& sample, cv::Size size) {
  Sample result;
  cv::resize(sample.image, result.image, size, 0, 0, cv::INTER_LINEAR);
  cv::resize(sample.label, result.label, size, 0, 0, cv::INTER_NEAREST);
  return result;
}

Sample scale(const Sample& sample, double factor) {
  const cv::Size size(std::max(1, cvRound(sample.image.cols * factor)),
                      std::max(1, cvRound(sample.image.rows * factor)));
  return resize(sample, size);
}

Sample rotate(const Sample& sample, double degrees) {
  const cv::Size size = sample.image.size();
  const cv::Mat matrix =
      cv::getRotationMatrix2D(cv::Point2f(size.width / 2.0F, size.height / 2.0F), degrees, 1);
  Sample result;
  cv::warpAffine(sample.image, result.image, matrix, size, cv::INTER_LINEAR, cv::BORDER_CONSTANT,
                 kMeanRgb);
  cv::warpAffine(sample.label, result.label, matrix, size, cv::INTER_NEAREST, cv::BORDER_CONSTANT,
                 kIgnore);
  return result;
}

Sample pad(const Sample& sample, int top, int bottom, int left, int right,
           const cv::Scalar& colour) {
  Sample result;
  cv::copyMakeBorder(sample.image, result.image, top, bottom, left, right, cv::BORDER_CONSTANT,
                     colour);
  cv::copyMakeBorder(sample.label, result.label, top, bottom, left, right, cv::BORDER_CONSTANT,
                     kIgnore);
  return result;
}

// A random S x S window that holds most of the foreground, if one is found.
Sample crop(const Sample& sample, int size, std::mt19937_64& generator) {
  const int missing_rows = std::max(size - sample.image.rows, 0);
  const int missing_columns = std::max(size - sample.image.cols, 0);
  const Sample padded = pad(sample, missing_rows / 2, missing_rows - missing_rows / 2,
                            missing_columns / 2, missing_columns - missing_columns / 2, kMeanRgb);
  const cv::Mat foreground = padded.label == 1;
  const double wanted = kKeptForeground * cv::countNonZero(foreground);
  cv::Rect window;
  for (int draw = 0; draw <= kMaximumRedraws; ++draw) {
    const auto top = uniform_below(generator, padded.image.rows - size + 1);
    const auto left = uniform_below(generator, padded.image.cols - size + 1);
    window = cv::Rect(static_cast<int>(left), static_cast<int>(top), size, size);
    if (cv::countNonZero(foreground(window)) >= wanted) {
      break;
    }
  }
  return {.image = padded.image(window).clone(), .label = padded.label(window).clone()};
}

// SPEC A13: the longer side becomes S, the other keeps the ratio, both are floored to a multiple
// of 8 (but not to nothing).
cv::Size padded_layout(cv::Size original, int size) {
  const double ratio = static_cast<double>(size) / std::max(original.width, original.height);
  const auto side = [&](int length, bool longer) {
    const int scaled = longer ? size : static_cast<int>(length * ratio);
    return std::max(scaled / kMultiple * kMultiple, kMultiple);
  };
  return {side(original.width, original.width >= original.height),
          side(original.height, original.height >= original.width)};
}

}  // namespace

Sample augment(const Sample& sample, const AugmentationOptions& options,
               std::mt19937_64& generator) {
  check(sample, options.size);
  Sample result = scale(sample, uniform_real(generator, options.scale_min, options.scale_max));
  if (bernoulli(generator, 0.5)) {
    result = rotate(result, uniform_real(generator, -kMaximumAngle, kMaximumAngle));
  }
  if (bernoulli(generator, 0.5)) {
    cv::GaussianBlur(result.image, result.image, cv::Size(5, 5), 0);
  }
  if (bernoulli(generator, 0.5)) {
    cv::flip(result.image, result.image, 1);
    cv::flip(result.label, result.label, 1);
  }
  result = options.resize ? fit(result, options.size, Layout::kPad)
                          : crop(result, options.size, generator);
  if (options.colour_jitter) {
    jitter_colours(result.image, generator);
  }
  return result;
}

Sample fit(const Sample& sample, int size, Layout layout) {
  check(sample, size);
  if (layout == Layout::kStretch) {
    return resize(sample, {size, size});
  }
  const Sample resized = resize(sample, padded_layout(sample.image.size(), size));
  return pad(resized, 0, size - resized.image.rows, 0, size - resized.image.cols, cv::Scalar());
}

}  // namespace cdfss
