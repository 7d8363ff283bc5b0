// Outlines to masks.
#pragma once

#include <opencv2/core/mat.hpp>
#include <opencv2/core/types.hpp>
#include <vector>

namespace cdfss {

// Sets what a polygon covers to `value`. `mask` is CV_8UC1; coordinates are in pixels with 0 at
// the image's left and top edge, and may lie outside. Pixels on the outline count as covered, so
// that nothing drawn disappears. Three points or more.
void fill_polygon(cv::Mat& mask, const std::vector<cv::Point2d>& points, int value);

// The same for the pixels whose centre lies inside: the rule by which COCO's own tools draw the
// polygons of its annotations, which round coordinates to a fifth of a pixel first. The area is
// that of the polygon, not larger by its outline. Where a polygon covers itself twice it has a
// hole. An edge through a centre covers it on its left and top.
void fill_polygon_centres(cv::Mat& mask, const std::vector<cv::Point2d>& points, int value);

// As fill_polygon for a disc.
void fill_circle(cv::Mat& mask, cv::Point2d centre, double radius, int value);

// Whether a coordinate is finite and small enough to be drawn.
bool is_drawable(const cv::Point2d& point);

}  // namespace cdfss
