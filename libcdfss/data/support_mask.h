// What the values of a mask file in a support set mean (DESIGN 6).
#pragma once

#include <filesystem>
#include <opencv2/core/types.hpp>
#include <string>
#include <vector>

#include "data/labelled_mask.h"

namespace cdfss {

// Without `index_names` the mask is binary, of class `class_name`: {0, 1} or {0, 255} with the
// larger value the object, or {0, 1, 255} with 255 = ignore. With them (from classes.txt, empty
// for unused indices) it holds indices and 255 = ignore: one mask for each class in it. `size` is
// the image's. Throws Error(kNotFound | kUnreadable), (kInvalidValue) for another size, an empty
// mask and values that fit neither rule, naming the file.
std::vector<LabelledMask> read_support_mask(const std::filesystem::path& file, cv::Size size,
                                            const std::string& class_name,
                                            const std::vector<std::string>& index_names);

}  // namespace cdfss
