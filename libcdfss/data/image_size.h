// The size of an image without decoding it, where its format allows.
#pragma once

#include <filesystem>
#include <opencv2/core/types.hpp>

namespace cdfss {

// As stored (EXIF orientation is not applied): from the header of a PNG or JPEG, by decoding
// anything else. Throws Error(kNotFound | kUnreadable) naming the file.
cv::Size image_size(const std::filesystem::path& file);

}  // namespace cdfss
