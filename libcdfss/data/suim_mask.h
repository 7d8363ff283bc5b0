// SUIM's masks: pictures whose colours are classes.
#pragma once

#include <filesystem>
#include <opencv2/core/mat.hpp>
#include <opencv2/core/types.hpp>

namespace cdfss {

// CV_8UC1 of class indices 0 to 7: a pixel's channels are 0 or 255, the bits of its index, red the
// highest. Throws Error(kNotFound | kUnreadable), (kInvalidValue) for any other colour, naming the
// file, the colour and its first pixel.
cv::Mat read_suim_mask(const std::filesystem::path& file);

// The same for the release's flawed files: every channel counts as 0 below 128 and as 255 from
// there on, and a mask of another size than `size`, its image's, is scaled to it (nearest
// neighbour). Throws Error(kNotFound | kUnreadable).
cv::Mat repair_suim_mask(const std::filesystem::path& file, cv::Size size);

}  // namespace cdfss
