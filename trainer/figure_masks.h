// Draws predicted masks beside the truth, a row an episode (the paper's Figure 4).
#pragma once

#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

#include "data/sample.h"

namespace cdfss {

// Masks are CV_8UC1 of the query's size: 0, 1 and, in labels, 255.
struct MaskRow {
  std::string class_name;
  Sample query;  // with the ground truth
  Sample support;
  cv::Mat ours;
  cv::Mat baseline;
  double our_iou = 0;  // 0..1, as is baseline_iou
  double baseline_iou = 0;
};

inline constexpr int kMaskCell = 192;    // side of a cell in pixels, without its margin
inline constexpr int kMaskMargin = 6;    // around each cell
inline constexpr int kMaskCaption = 20;  // height of a line of text
inline constexpr int kMaskColumns = 5;   // image, support, truth, ours, baseline

// CV_8UC3 RGB: a line of column titles, then for each row a line of text and its five cells, each
// image scaled to fit its cell. Objects are tinted red with a contour, ignored pixels grey.
cv::Mat draw_masks(const std::vector<MaskRow>& rows, const std::string& ours_title,
                   const std::string& baseline_title);

// The image with its object and ignored pixels tinted. Both of one size.
cv::Mat tint_mask(const cv::Mat& image, const cv::Mat& mask);

}  // namespace cdfss
