// Images and masks that belong together by their stems.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace cdfss {

struct ImageAndMask {
  std::filesystem::path image;
  std::filesystem::path mask;
  int meaning = 0;  // index into what IndexMaskDataset is told about mask values
};

// Pairs every image with `mask_folder`/STEM`extension`, in the order of the images. Throws
// Error(kInvalidValue) naming an image without a mask, a mask without an image and a second image
// of a stem.
std::vector<ImageAndMask> pair_by_stem(const std::set<std::filesystem::path>& images,
                                       std::set<std::filesystem::path> masks,
                                       const std::filesystem::path& mask_folder,
                                       const std::string& extension);

}  // namespace cdfss
