// One class of one image as an annotation file marks it.
#pragma once

#include <opencv2/core/mat.hpp>
#include <string>

namespace cdfss {

struct LabelledMask {
  std::string class_name;
  cv::Mat mask;  // CV_8UC1, the kMask* values of cdfss/support_set.h
};

}  // namespace cdfss
