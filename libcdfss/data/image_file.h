// Image files to memory and back, with errors that name the file.
#pragma once

#include <filesystem>
#include <opencv2/core/mat.hpp>

#include "cdfss/image.h"

namespace cdfss {

// CV_8UC3 RGB; grey and alpha are converted, EXIF orientation is not applied (masks are drawn on
// the stored pixels). Throws Error(kNotFound | kUnreadable).
cv::Mat read_rgb(const std::filesystem::path& file);
// CV_8UC1 index map of a PNG or BMP: grey values as they are, palette files as their indices (not
// their colours); colour files that hold only greys give that grey. Throws Error(kNotFound |
// kUnreadable), (kInvalidValue) for colours, transparency or 16 bits a sample.
cv::Mat read_index(const std::filesystem::path& file);
// The same image in the public type.
Image to_image(const cv::Mat& rgb);
cv::Mat to_mat(const Image& image);  // copies
// A PNG of an RGB or one-channel image. Writes through a temporary file renamed into place. Throws
// Error(kUnreadable) naming the file.
void write_png(const std::filesystem::path& file, const cv::Mat& image);

}  // namespace cdfss
