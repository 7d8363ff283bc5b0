// Masks of the Semantic Boundaries Dataset (SBD), as its authors ship them: MATLAB files.
#pragma once

#include <filesystem>
#include <opencv2/core/mat.hpp>

namespace cdfss {

// CV_8UC1 of VOC class indices: GTcls.Segmentation of dataset/cls/ID.mat. Throws
// Error(kNotFound | kUnreadable) for a file that is not there or no MATLAB file of version 5, and
// (kInvalidValue) for one without that variable.
cv::Mat read_sbd_mask(const std::filesystem::path& file);

}  // namespace cdfss
