// A way to segment a video given its labelled first frame.
#pragma once

#include <opencv2/core/mat.hpp>
#include <string>

#include "cdfss/segmenter.h"

namespace cdfss {

class VideoMethod {
 public:
  virtual ~VideoMethod() = default;

  // image CV_8UC3 RGB, label CV_8UC1 of 0, 1 (object), 255 (ignore) of the same size; `source` is
  // what errors call the shot. Replaces the previous one.
  virtual void set_support(const cv::Mat& image, const cv::Mat& label,
                           const std::string& source) = 0;
  // CV_8UC1 of 0 and 1, the frame's size.
  virtual cv::Mat segment(const ImageView& frame) = 0;

  // For reports.
  virtual int input_size() const = 0;
  virtual std::string device() const = 0;
  virtual std::string precision() const = 0;
};

// What the element does: the public Segmenter, so that the masks are the same.
class SegmenterMethod : public VideoMethod {
 public:
  explicit SegmenterMethod(Segmenter segmenter);

  void set_support(const cv::Mat& image, const cv::Mat& label, const std::string& source) override;
  cv::Mat segment(const ImageView& frame) override;
  int input_size() const override;
  std::string device() const override;
  std::string precision() const override;

 private:
  Segmenter segmenter_;
  Mask mask_;  // reused between frames
};

}  // namespace cdfss
