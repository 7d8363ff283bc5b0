// Text and pictures inside an HTML or SVG file.
#pragma once

#include <opencv2/core/mat.hpp>
#include <string>

namespace cdfss {

// With &, <, > and quotes as entities: fit for element content and attribute values.
std::string escape_html(const std::string& text);

// An image as the value of a src attribute, "data:image/png;base64,...". CV_8UC3 RGB or CV_8UC1.
std::string png_data_url(const cv::Mat& image);

}  // namespace cdfss
