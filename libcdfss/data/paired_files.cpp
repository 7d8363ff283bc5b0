#include "data/paired_files.h"

#include "cdfss/error.h"

namespace cdfss {

namespace fs = std::filesystem;

std::vector<ImageAndMask> pair_by_stem(const std::set<fs::path>& images, std::set<fs::path> masks,
                                       const fs::path& mask_folder, const std::string& extension) {
  std::vector<ImageAndMask> files;
  std::set<fs::path> stems;
  for (const fs::path& image : images) {
    const fs::path mask = mask_folder / (image.stem().string() + extension);
    if (!stems.insert(image.stem()).second) {
      throw Error(ErrorCode::kInvalidValue,
                  image.string() + " has the stem of another image, expected one image a mask");
    }
    if (masks.erase(mask) == 0) {
      throw Error(ErrorCode::kInvalidValue,
                  image.string() + " has no mask, expected " + mask.string());
    }
    files.push_back({.image = image, .mask = mask});
  }
  if (!masks.empty()) {
    throw Error(ErrorCode::kInvalidValue,
                masks.begin()->string() + " has no image, expected one of its stem");
  }
  return files;
}

}  // namespace cdfss
