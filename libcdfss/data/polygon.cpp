#include "data/polygon.h"

#include <algorithm>
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

// The first of `count` pixels whose centre is at the coordinate or behind it; `count` if none is.
int first_centre(double coordinate, int count) {
  return static_cast<int>(std::clamp(std::ceil(coordinate - 0.5), 0.0, double(count)));
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

void fill_polygon_centres(cv::Mat& mask, const std::vector<cv::Point2d>& points, int value) {
  // Where the outline crosses the line through a row's centres, by row.
  std::vector<std::vector<double>> crossings(mask.rows);
  for (std::size_t i = 0; i < points.size(); ++i) {
    cv::Point2d upper = points[i];
    cv::Point2d lower = points[(i + 1) % points.size()];
    if (upper.y > lower.y) std::swap(upper, lower);
    const int end = first_centre(lower.y, mask.rows);
    for (int row = first_centre(upper.y, mask.rows); row < end; ++row) {
      const double share = (row + 0.5 - upper.y) / (lower.y - upper.y);
      crossings[row].push_back(upper.x + share * (lower.x - upper.x));
    }
  }
  for (int row = 0; row < mask.rows; ++row) {
    std::ranges::sort(crossings[row]);
    std::uint8_t* pixels = mask.ptr<std::uint8_t>(row);
    for (std::size_t i = 0; i + 1 < crossings[row].size(); i += 2) {
      std::fill(pixels + first_centre(crossings[row][i], mask.cols),
                pixels + first_centre(crossings[row][i + 1], mask.cols),
                static_cast<std::uint8_t>(value));
    }
  }
}

void fill_circle(cv::Mat& mask, cv::Point2d centre, double radius, int value) {
  cv::circle(mask, fixed_point(centre), cvRound(radius * (1 << kFractionBits)), cv::Scalar(value),
             cv::FILLED, cv::LINE_8, kFractionBits);
}

bool is_drawable(const cv::Point2d& point) {
  return std::abs(point.x) <= kMaximumCoordinate && std::abs(point.y) <= kMaximumCoordinate;
}

}  // namespace cdfss
