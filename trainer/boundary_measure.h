// Contour accuracy F of the DAVIS benchmark.
#pragma once

#include <opencv2/core/mat.hpp>

namespace cdfss {

// F = 2PR / (P + R) of two masks' boundaries (CV_8UC1, non-zero = object, the same size): P is the
// share of the prediction's boundary pixels that lie within `tolerance` of the label's boundary
// (a fraction of the image diagonal, rounded up to whole pixels), R the reverse. 0..1. Without
// boundary in one mask F is 0, without any it is 1.
double boundary_measure(const cv::Mat& prediction, const cv::Mat& label, double tolerance = 0.008);

// CV_8UC1, 255 where a pixel differs from its right, lower or lower right neighbour.
cv::Mat boundary_map(const cv::Mat& mask);

}  // namespace cdfss
