#include "figure_masks.h"

#include <algorithm>
#include <cstdio>
#include <opencv2/imgproc.hpp>

namespace cdfss {
namespace {

constexpr int kStep = kMaskCell + 2 * kMaskMargin;
const cv::Scalar kPaper(255, 255, 255);
const cv::Scalar kInk(30, 30, 30);
const cv::Scalar kObject(230, 30, 40);
const cv::Scalar kIgnored(128, 128, 128);

std::string iou_text(double iou) {
  char text[16];
  std::snprintf(text, sizeof text, "IoU %.2f", iou);
  return text;
}

// Shrunk until it fits the cell.
void put_text(cv::Mat& canvas, const std::string& text, int column, int top) {
  constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
  double scale = 0.45;
  const int width = cv::getTextSize(text, kFont, scale, 1, nullptr).width;
  if (width > kMaskCell) scale *= static_cast<double>(kMaskCell) / width;
  cv::putText(canvas, text, {column * kStep + kMaskMargin, top + kMaskCaption - 5}, kFont, scale,
              kInk, 1, cv::LINE_AA);
}

void put_image(cv::Mat& canvas, const cv::Mat& image, int column, int top) {
  const double scale = static_cast<double>(kMaskCell) / std::max(image.cols, image.rows);
  const cv::Size size(std::max(1, cvRound(image.cols * scale)),
                      std::max(1, cvRound(image.rows * scale)));
  cv::Mat scaled;
  cv::resize(image, scaled, size, 0, 0, scale < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
  const cv::Point corner(column * kStep + kMaskMargin + (kMaskCell - size.width) / 2,
                         top + kMaskMargin + (kMaskCell - size.height) / 2);
  scaled.copyTo(canvas(cv::Rect(corner, size)));
}

}  // namespace

cv::Mat tint_mask(const cv::Mat& image, const cv::Mat& mask) {
  constexpr double kTint = 0.5;
  cv::Mat tinted = image.clone();
  for (const auto& [value, colour] : {std::pair{1, kObject}, std::pair{255, kIgnored}}) {
    cv::Mat blend;
    cv::addWeighted(image, 1 - kTint, cv::Mat(image.size(), image.type(), colour), kTint, 0, blend);
    blend.copyTo(tinted, mask == value);
  }
  std::vector<std::vector<cv::Point>> contours;
  cv::findContours(mask == 1, contours, cv::RETR_LIST, cv::CHAIN_APPROX_NONE);
  const int thickness = std::max(1, std::max(image.cols, image.rows) / kMaskCell);
  cv::drawContours(tinted, contours, -1, kObject, thickness);
  return tinted;
}

cv::Mat draw_masks(const std::vector<MaskRow>& rows, const std::string& ours_title,
                   const std::string& baseline_title) {
  const int row_height = kMaskCaption + kStep;
  cv::Mat canvas(kMaskCaption + row_height * static_cast<int>(rows.size()), kMaskColumns * kStep,
                 CV_8UC3, kPaper);
  const std::vector<std::string> titles{"image", "support", "ground truth", ours_title,
                                        baseline_title};
  for (int column = 0; column < kMaskColumns; ++column) put_text(canvas, titles[column], column, 0);
  int top = kMaskCaption;
  for (const MaskRow& row : rows) {
    put_text(canvas, row.class_name, 0, top);
    put_text(canvas, iou_text(row.our_iou), 3, top);
    put_text(canvas, iou_text(row.baseline_iou), 4, top);
    const int cells = top + kMaskCaption;
    put_image(canvas, row.query.image, 0, cells);
    put_image(canvas, tint_mask(row.support.image, row.support.label), 1, cells);
    put_image(canvas, tint_mask(row.query.image, row.query.label), 2, cells);
    put_image(canvas, tint_mask(row.query.image, row.ours), 3, cells);
    put_image(canvas, tint_mask(row.query.image, row.baseline), 4, cells);
    top += row_height;
  }
  return canvas;
}

}  // namespace cdfss
