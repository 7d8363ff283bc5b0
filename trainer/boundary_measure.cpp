#include "boundary_measure.h"

#include <cmath>
#include <opencv2/imgproc.hpp>

namespace cdfss {
namespace {

// Share of `boundary` within `radius` pixels of `other`; neither is empty.
double share_near(const cv::Mat& boundary, const cv::Mat& other, double radius) {
  cv::Mat distance;
  cv::distanceTransform(other == 0, distance, cv::DIST_L2, cv::DIST_MASK_PRECISE);
  const cv::Mat near = (distance <= radius) & boundary;
  return static_cast<double>(cv::countNonZero(near)) / cv::countNonZero(boundary);
}

}  // namespace

cv::Mat boundary_map(const cv::Mat& mask) {
  const cv::Mat object = mask != 0;
  // One more row and column, repeated: at the image's border nothing differs from the outside.
  cv::Mat padded;
  cv::copyMakeBorder(object, padded, 0, 1, 0, 1, cv::BORDER_REPLICATE);
  const auto shifted = [&](int dx, int dy) { return padded(cv::Rect({dx, dy}, object.size())); };
  return (object != shifted(1, 0)) | (object != shifted(0, 1)) | (object != shifted(1, 1));
}

double boundary_measure(const cv::Mat& prediction, const cv::Mat& label, double tolerance) {
  const cv::Mat predicted = boundary_map(prediction);
  const cv::Mat labelled = boundary_map(label);
  const bool any_predicted = cv::countNonZero(predicted) > 0;
  const bool any_labelled = cv::countNonZero(labelled) > 0;
  if (!any_predicted || !any_labelled) return any_predicted == any_labelled ? 1 : 0;
  const double radius = std::ceil(tolerance * std::hypot(label.cols, label.rows));
  const double precision = share_near(predicted, labelled, radius);
  const double recall = share_near(labelled, predicted, radius);
  return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
}

}  // namespace cdfss
