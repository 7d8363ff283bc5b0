// FSS-1000's masks: one object, white on black.
#pragma once

#include <filesystem>
#include <opencv2/core/mat.hpp>
#include <opencv2/core/types.hpp>

namespace cdfss {

// CV_8UC1: 1 where the mask's grey is 128 or more, 0 elsewhere. Throws Error(kNotFound |
// kUnreadable), (kInvalidValue) for a coloured picture and for a mask without an object.
cv::Mat read_fss_mask(const std::filesystem::path& file);

// The same for the release's flawed files: a mask of another size than `size`, its image's, is
// scaled to it (nearest neighbour), and one that is no mask (a coloured picture, no object) is
// 255 everywhere: nothing is known about its image. Throws Error(kNotFound | kUnreadable).
cv::Mat repair_fss_mask(const std::filesystem::path& file, cv::Size size);

}  // namespace cdfss
