// Random colour changes of a training image (SPEC B15).
#pragma once

#include <opencv2/core/mat.hpp>
#include <random>

namespace cdfss {

// Changes a CV_8UC3 RGB image in place: brightness, contrast and saturation by factors from
// [0.6, 1.4) and hue by [-0.1, 0.1) of the colour circle, in random order; then grey with
// probability 0.2.
void jitter_colours(cv::Mat& image, std::mt19937_64& generator);

}  // namespace cdfss
