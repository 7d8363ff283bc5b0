#include "cdfss/error.h"
#include "data/class_tables.h"
#include "data/dataset_kinds.h"
#include "data/folder.h"
#include "data/image_size.h"
#include "data/index_mask_dataset.h"
#include "data/suim_mask.h"

namespace cdfss {
namespace {

namespace fs = std::filesystem;

// The release keeps one binary mask a class in sub-folders beside the masks; they are not read.
std::set<fs::path> files_in(const fs::path& folder) {
  std::set<fs::path> files = entries_of(folder);
  std::error_code error;
  std::erase_if(files, [&](const fs::path& file) { return fs::is_directory(file, error); });
  return files;
}

std::vector<fs::path> parts_of(const DatasetSpec& spec) {
  const auto part = spec.options.find("part");
  if (part == spec.options.end()) {
    return {spec.root / "train_val", spec.root / "TEST"};
  }
  if (part->second != "train_val" && part->second != "TEST") {
    throw Error(ErrorCode::kInvalidValue, "dataset '" + spec.text + "': part is '" + part->second +
                                              "', expected train_val or TEST (default: both)");
  }
  return {spec.root / part->second};
}

}  // namespace

std::shared_ptr<const Dataset> open_suim_dataset(const DatasetSpec& spec) {
  require_known_options(spec, {"minimum_area", "part", "repair"});
  IndexMasks masks{.classes = suim_class_names(), .minimum_area = minimum_area_option(spec)};
  MaskMeaning meaning;
  meaning.fill(kMeansNothing);
  for (std::size_t id = 0; id < masks.classes.size(); ++id) {
    meaning[id] = static_cast<int>(id);
  }
  masks.meanings = {meaning};
  if (number_option(spec, "repair", 0, 1) == 1) {
    masks.read = [](const ImageAndMask& file) {
      return repair_suim_mask(file.mask, image_size(file.image));
    };
  } else {
    masks.read = [](const ImageAndMask& file) { return read_suim_mask(file.mask); };
  }
  require_folder(spec.root);
  for (const fs::path& part : parts_of(spec)) {
    const std::vector<ImageAndMask> files =
        pair_by_stem(files_in(part / "images"), files_in(part / "masks"), part / "masks", ".bmp");
    if (files.empty()) {
      throw Error(ErrorCode::kInvalidValue,
                  (part / "images").string() + " is empty, expected images");
    }
    masks.files.insert(masks.files.end(), files.begin(), files.end());
  }
  return open_index_masks(std::move(masks));
}

}  // namespace cdfss
