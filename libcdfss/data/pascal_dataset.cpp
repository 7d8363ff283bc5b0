#include <sstream>
#include <string>
#include <vector>

#include "cdfss/error.h"
#include "data/dataset_kinds.h"
#include "data/file_bytes.h"
#include "data/folder.h"
#include "data/index_mask_dataset.h"

namespace cdfss {
namespace {

namespace fs = std::filesystem;

constexpr int kClassesInFold = 5;

// By mask index.
const std::vector<std::string>& voc_names() {
  static const std::vector<std::string> kNames{
      "",          "aeroplane", "bicycle",     "bird",  "boat",        "bottle", "bus",
      "car",       "cat",       "chair",       "cow",   "diningtable", "dog",    "horse",
      "motorbike", "person",    "pottedplant", "sheep", "sofa",        "train",  "tvmonitor"};
  return kNames;
}

void require_file(const fs::path& file, const fs::path& list, int line) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) {
    throw Error(ErrorCode::kNotFound, file.string() + " does not exist, expected by " +
                                          list.string() + ", line " + std::to_string(line));
  }
}

std::vector<ImageAndMask> read_list(const fs::path& list, const fs::path& images,
                                    const fs::path& masks) {
  const std::vector<std::uint8_t> bytes = read_bytes(list);
  std::istringstream stream(std::string(bytes.begin(), bytes.end()));
  std::vector<ImageAndMask> files;
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    std::istringstream words(line);
    std::string id;
    std::string more;
    if (!(words >> id)) {
      continue;  // a blank line
    }
    if (words >> more) {
      throw Error(ErrorCode::kInvalidValue, list.string() + ", line " + std::to_string(number) +
                                                ": '" + more +
                                                "' after the image id, expected one id a line");
    }
    files.push_back({.image = images / (id + ".jpg"), .mask = masks / (id + ".png")});
    require_file(files.back().image, list, number);
    require_file(files.back().mask, list, number);
  }
  if (files.empty()) {
    throw Error(ErrorCode::kInvalidValue, list.string() + " is empty, expected image ids");
  }
  return files;
}

}  // namespace

std::shared_ptr<const Dataset> open_pascal_dataset(const DatasetSpec& spec, FoldPart part) {
  require_known_options(spec, {"fold", "list", "masks"});
  const auto option = [&](const std::string& key, const fs::path& fallback) {
    const auto found = spec.options.find(key);
    return found == spec.options.end() ? fallback : fs::path(found->second);
  };
  const std::optional<int> fold = number_option(spec, "fold", 0, 3);
  require_folder(spec.root);
  const fs::path masks = spec.root / option("masks", "SegmentationClass");
  require_folder(masks);
  const fs::path list = option("list", spec.root / "ImageSets" / "Segmentation" /
                                           (part == FoldPart::kTest ? "val.txt" : "train.txt"));
  auto dataset = std::make_shared<IndexMaskDataset>(
      read_list(list, spec.root / "JPEGImages", masks), voc_names(), kMinimumArea);
  if (!fold) {
    return dataset;
  }
  return keep_fold(std::move(dataset), part, [&](int id) { return id / kClassesInFold == *fold; });
}

}  // namespace cdfss
