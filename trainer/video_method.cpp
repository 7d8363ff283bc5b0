#include "video_method.h"

#include <memory>
#include <utility>

#include "data/image_file.h"

namespace cdfss {

SegmenterMethod::SegmenterMethod(Segmenter segmenter) : segmenter_(std::move(segmenter)) {}

void SegmenterMethod::set_support(const cv::Mat& image, const cv::Mat& label,
                                  const std::string& source) {
  SupportShot shot{
      .image = std::make_shared<const Image>(to_image(image)), .mask = {}, .source = source};
  for (int y = 0; y < label.rows; ++y) {
    shot.mask.insert(shot.mask.end(), label.ptr(y), label.ptr(y) + label.cols);
  }
  SupportSet support;
  support.add("object", std::move(shot));
  segmenter_.set_support(support);
}

cv::Mat SegmenterMethod::segment(const ImageView& frame) {
  segmenter_.segment(frame, mask_);
  return cv::Mat(mask_.height, mask_.width, CV_8UC1, mask_.classes.data()).clone();
}

int SegmenterMethod::input_size() const { return segmenter_.input_size(); }
std::string SegmenterMethod::device() const { return segmenter_.device(); }
std::string SegmenterMethod::precision() const { return to_string(segmenter_.precision()); }

}  // namespace cdfss
