#include "data/colour_jitter.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "data/random.h"

namespace cdfss {
namespace {

constexpr double kStrength = 0.4;  // of brightness, contrast and saturation
constexpr double kHue = 0.1;       // of the colour circle
constexpr double kGreyProbability = 0.2;

cv::Mat grey_of(const cv::Mat& image) {
  cv::Mat grey;
  cv::cvtColor(image, grey, cv::COLOR_RGB2GRAY);
  return grey;
}

void change_contrast(cv::Mat& image, double factor) {
  const double mean = cv::mean(grey_of(image))[0];
  image.convertTo(image, -1, factor, (1 - factor) * mean);
}

void change_saturation(cv::Mat& image, double factor) {
  cv::Mat grey;
  cv::cvtColor(grey_of(image), grey, cv::COLOR_GRAY2RGB);
  cv::addWeighted(image, factor, grey, 1 - factor, 0, image);
}

// `shift` in turns of the colour circle.
void change_hue(cv::Mat& image, double shift) {
  cv::cvtColor(image, image, cv::COLOR_RGB2HSV_FULL);
  std::vector<cv::Mat> channels;
  cv::split(image, channels);
  cv::Mat table(1, 256, CV_8UC1);
  for (int hue = 0; hue < 256; ++hue) {
    table.at<std::uint8_t>(hue) = static_cast<std::uint8_t>(hue + cvRound(shift * 256));  // wraps
  }
  cv::LUT(channels[0], table, channels[0]);
  cv::merge(channels, image);
  cv::cvtColor(image, image, cv::COLOR_HSV2RGB_FULL);
}

}  // namespace

void jitter_colours(cv::Mat& image, std::mt19937_64& generator) {
  const auto factor = [&] { return uniform_real(generator, 1 - kStrength, 1 + kStrength); };
  std::vector<int> order{0, 1, 2, 3};
  shuffle(order, generator);
  for (const int change : order) {
    switch (change) {
      case 0:
        image.convertTo(image, -1, factor());
        break;
      case 1:
        change_contrast(image, factor());
        break;
      case 2:
        change_saturation(image, factor());
        break;
      default:
        change_hue(image, uniform_real(generator, -kHue, kHue));
    }
  }
  if (bernoulli(generator, kGreyProbability)) {
    cv::cvtColor(grey_of(image), image, cv::COLOR_GRAY2RGB);
  }
}

}  // namespace cdfss
