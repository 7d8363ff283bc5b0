// LabelMe annotations: one JSON file an image, holding labelled shapes.
#pragma once

#include <filesystem>
#include <opencv2/core/types.hpp>
#include <vector>

#include "data/labelled_mask.h"

namespace cdfss {

// One mask a label, in order of first appearance; shapes of a label are united, labels may
// overlap. Shapes are polygons, rectangles (two corners) and circles (centre
// and a point of the rim); those labelled `__ignore__` become 255 in every mask. `size` is the
// image's. Throws Error(kNotFound | kUnreadable), (kInvalidValue) for another size, kind of shape,
// number of points or for no shape, naming the file.
std::vector<LabelledMask> read_labelme(const std::filesystem::path& file, cv::Size size);

}  // namespace cdfss
