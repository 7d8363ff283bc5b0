// Intersection over union: summed over episodes for mIoU and FB-IoU, and of a single mask.
#pragma once

#include <cstdint>
#include <map>
#include <opencv2/core/mat.hpp>

namespace cdfss {

// Pixels in both and in either of two regions.
struct Overlap {
  std::int64_t intersection = 0;
  std::int64_t united = 0;

  void operator+=(const Overlap& other);
  // 0..1; `empty` when both regions are.
  double iou(double empty) const;
};

// How far the region {prediction == value} covers {label == value}; pixels with label 255 do not
// count. Both CV_8UC1. Throws Error(kInvalidValue) naming both sizes when they differ.
Overlap overlap(const cv::Mat& prediction, const cv::Mat& label, std::uint8_t value);

// Sums over episodes (SPEC A13). A class or background that never occurs counts 0, as in the
// released code.
class IouAccumulator {
 public:
  // One episode of class `class_id`: prediction of 0/1, label of 0/1/255, both CV_8UC1.
  void add(int class_id, const cv::Mat& prediction, const cv::Mat& label);

  // Class id -> sum of intersections / sum of unions of the foreground.
  std::map<int, double> per_class() const;
  // Mean of per_class(); 0 before the first episode.
  double miou() const;
  // Mean of foreground and background IoU, each summed over all episodes of all classes.
  double fb_iou() const;

 private:
  std::map<int, Overlap> foreground_;
  Overlap background_;
};

}  // namespace cdfss
