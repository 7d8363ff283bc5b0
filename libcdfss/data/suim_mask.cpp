#include "data/suim_mask.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <string>

#include "cdfss/error.h"
#include "data/image_file.h"

namespace cdfss {
namespace {

cv::Mat to_indices(const cv::Mat& rgb) {
  cv::Mat indices(rgb.size(), CV_8UC1);
  for (int y = 0; y < rgb.rows; ++y) {
    const cv::Vec3b* pixels = rgb.ptr<cv::Vec3b>(y);
    std::uint8_t* row = indices.ptr<std::uint8_t>(y);
    for (int x = 0; x < rgb.cols; ++x) {
      row[x] = static_cast<std::uint8_t>((pixels[x][0] >> 7) << 2 | (pixels[x][1] >> 7) << 1 |
                                         pixels[x][2] >> 7);
    }
  }
  return indices;
}

void require_code_colours(const cv::Mat& rgb, const std::filesystem::path& file) {
  const auto is_bit = [](int channel) { return channel == 0 || channel == 255; };
  for (int y = 0; y < rgb.rows; ++y) {
    for (int x = 0; x < rgb.cols; ++x) {
      const auto& pixel = rgb.at<cv::Vec3b>(y, x);
      if (!std::all_of(pixel.val, pixel.val + 3, is_bit)) {
        const auto channel = [&](int i) { return std::to_string(pixel[i]); };
        throw Error(ErrorCode::kInvalidValue,
                    file.string() + " has the colour (" + channel(0) + ", " + channel(1) + ", " +
                        channel(2) + ") at pixel (" + std::to_string(x) + ", " + std::to_string(y) +
                        "), which is no class: expected channels of 0 or 255; repair=1 takes the "
                        "nearest");
      }
    }
  }
}

}  // namespace

cv::Mat read_suim_mask(const std::filesystem::path& file) {
  const cv::Mat rgb = read_rgb(file);
  require_code_colours(rgb, file);
  return to_indices(rgb);
}

cv::Mat repair_suim_mask(const std::filesystem::path& file, cv::Size size) {
  cv::Mat indices = to_indices(read_rgb(file));
  if (indices.size() != size) {
    cv::resize(indices, indices, size, 0, 0, cv::INTER_NEAREST);
  }
  return indices;
}

}  // namespace cdfss
