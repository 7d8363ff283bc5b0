#include "data/polygon.h"

#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace cdfss {
namespace {

// OpenCV draws in fixed point: 1 / 256 pixel.
constexpr int kFractionBits = 8;
constexpr double kMaximumCoordinate = 1e6;

// OpenCV's pixel centres are at whole numbers, those of annotations at .5.
cv::Point fixed_point(const cv::Point2d& point) {
  constexpr double kScale = 1 << kFractionBits;
  return {cvRound((point.x - 0.5) * kScale), cvRound((point.y - 0.5) * kScale)};
}

}  // namespace

void fill_polygon(cv::Mat& mask, const std::vector<cv::Point2d>& points, int value) {
  std::vector<cv::Point> outline;
  outline.reserve(points.size());
  for (const cv::Point2d& point : points) {
    outline.push_back(fixed_point(point));
  }
  cv::fillPoly(mask, std::vector<std::vector<cv::Point>>{outline}, cv::Scalar(value), cv::LINE_8,
               kFractionBits);
}

void fill_circle(cv::Mat& mask, cv::Point2d centre, double radius, int value) {
  cv::circle(mask, fixed_point(centre), cvRound(radius * (1 << kFractionBits)), cv::Scalar(value),
             cv::FILLED, cv::LINE_8, kFractionBits);
}

bool is_drawable(const cv::Point2d& point) {
  return std::abs(point.x) <= kMaximumCoordinate && std::abs(point.y) <= kMaximumCoordinate;
}

}  // namespace cdfss
