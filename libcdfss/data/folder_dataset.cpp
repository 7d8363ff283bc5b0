#include <limits>
#include <set>
#include <string>
#include <vector>

#include "cdfss/error.h"
#include "data/class_names.h"
#include "data/dataset_kinds.h"
#include "data/folder.h"
#include "data/index_mask_dataset.h"

namespace cdfss {

namespace fs = std::filesystem;

std::shared_ptr<const Dataset> open_folder_dataset(const DatasetSpec& spec) {
  require_known_options(spec, {"minimum_area"});
  require_folder(spec.root);
  const std::vector<std::string> names = read_class_names(spec.root / "classes.txt");
  std::set<fs::path> masks = entries_of(spec.root / "masks");
  std::vector<ImageAndMask> files;
  std::set<fs::path> stems;
  for (const fs::path& image : entries_of(spec.root / "images")) {
    const fs::path mask = spec.root / "masks" / (image.stem().string() + ".png");
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
    throw Error(ErrorCode::kInvalidValue, masks.begin()->string() +
                                              " has no image, expected one of its stem in " +
                                              (spec.root / "images").string());
  }
  if (files.empty()) {
    throw Error(ErrorCode::kInvalidValue,
                (spec.root / "images").string() + " is empty, expected images");
  }
  const int minimum_area = number_option(spec, "minimum_area", 1, std::numeric_limits<int>::max())
                               .value_or(kMinimumArea);
  return std::make_shared<IndexMaskDataset>(std::move(files), names, minimum_area);
}

}  // namespace cdfss
