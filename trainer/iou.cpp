#include "iou.h"

#include <string>

#include "cdfss/error.h"

namespace cdfss {
namespace {

constexpr std::uint8_t kIgnore = 255;

std::string size_text(const cv::Mat& image) {
  return std::to_string(image.cols) + "x" + std::to_string(image.rows);
}

}  // namespace

void Overlap::operator+=(const Overlap& other) {
  intersection += other.intersection;
  united += other.united;
}

double Overlap::iou(double empty) const {
  return united == 0 ? empty : static_cast<double>(intersection) / static_cast<double>(united);
}

Overlap overlap(const cv::Mat& prediction, const cv::Mat& label, std::uint8_t value) {
  if (prediction.size() != label.size()) {
    throw Error(ErrorCode::kInvalidValue, "a prediction of " + size_text(prediction) +
                                              " pixels cannot be scored against a label of " +
                                              size_text(label));
  }
  Overlap sum;
  for (int y = 0; y < label.rows; ++y) {
    const auto* predicted = prediction.ptr<std::uint8_t>(y);
    const auto* labelled = label.ptr<std::uint8_t>(y);
    for (int x = 0; x < label.cols; ++x) {
      if (labelled[x] == kIgnore) continue;
      const bool in_prediction = predicted[x] == value;
      const bool in_label = labelled[x] == value;
      sum.intersection += (in_prediction && in_label) ? 1 : 0;
      sum.united += (in_prediction || in_label) ? 1 : 0;
    }
  }
  return sum;
}

void IouAccumulator::add(int class_id, const cv::Mat& prediction, const cv::Mat& label) {
  foreground_[class_id] += overlap(prediction, label, 1);
  background_ += overlap(prediction, label, 0);
}

std::map<int, double> IouAccumulator::per_class() const {
  std::map<int, double> ious;
  for (const auto& [class_id, sum] : foreground_) ious[class_id] = sum.iou(0);
  return ious;
}

double IouAccumulator::miou() const {
  if (foreground_.empty()) return 0;
  double sum = 0;
  for (const auto& [class_id, iou] : per_class()) sum += iou;
  return sum / static_cast<double>(foreground_.size());
}

double IouAccumulator::fb_iou() const {
  Overlap foreground;
  for (const auto& [class_id, sum] : foreground_) foreground += sum;
  return (foreground.iou(0) + background_.iou(0)) / 2;
}

}  // namespace cdfss
