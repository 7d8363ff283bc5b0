#include "cdfss/error.h"
#include "data/class_names.h"
#include "data/dataset_kinds.h"
#include "data/folder.h"
#include "data/image_file.h"
#include "data/index_mask_dataset.h"

namespace cdfss {

std::shared_ptr<const Dataset> open_folder_dataset(const DatasetSpec& spec) {
  require_known_options(spec, {"minimum_area"});
  require_folder(spec.root);
  IndexMasks masks{.minimum_area = minimum_area_option(spec),
                   .read = [](const ImageAndMask& file) { return read_index(file.mask); }};
  name_indices(read_class_names(spec.root / "classes.txt"), masks);
  const std::filesystem::path mask_folder = spec.root / "masks";
  masks.files =
      pair_by_stem(entries_of(spec.root / "images"), entries_of(mask_folder), mask_folder, ".png");
  if (masks.files.empty()) {
    throw Error(ErrorCode::kInvalidValue,
                (spec.root / "images").string() + " is empty, expected images");
  }
  return open_index_masks(std::move(masks));
}

}  // namespace cdfss
