// The stored sample values of a PNG, which OpenCV does not give: it turns palettes into colours.
#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

namespace cdfss {

// Whether the bytes begin with the PNG signature.
bool is_png(const std::vector<std::uint8_t>& bytes);

// CV_8UC1: palette indices or grey values as stored (a 1-bit file gives 0 and 1). Opaque colour
// files whose pixels are all grey, as drawing programs write masks, give that grey. `name` is what
// errors call the file. Throws Error(kUnreadable) for a damaged file, (kInvalidValue) for colours,
// transparency or 16 bits a sample.
cv::Mat decode_png_index(const std::vector<std::uint8_t>& bytes, const std::string& name);

}  // namespace cdfss
