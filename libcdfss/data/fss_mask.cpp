#include "data/fss_mask.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "cdfss/error.h"
#include "data/image_file.h"

namespace cdfss {

cv::Mat read_fss_mask(const std::filesystem::path& file) {
  const cv::Mat object = read_index(file) >= 128;
  if (cv::countNonZero(object) == 0) {
    throw Error(ErrorCode::kInvalidValue,
                file.string() + " labels nothing: no pixel is 128 or more, expected an object");
  }
  return object & 1;
}

cv::Mat repair_fss_mask(const std::filesystem::path& file, cv::Size size) {
  cv::Mat mask;
  try {
    mask = read_fss_mask(file);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidValue) {
      throw;
    }
    return cv::Mat(size, CV_8UC1, cv::Scalar(255));
  }
  if (mask.size() != size) {
    cv::resize(mask, mask, size, 0, 0, cv::INTER_NEAREST);
  }
  return mask;
}

}  // namespace cdfss
