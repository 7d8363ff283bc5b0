#include <algorithm>

#include "cdfss/error.h"
#include "data/class_tables.h"
#include "data/dataset_kinds.h"
#include "data/folder.h"
#include "data/fss_mask.h"
#include "data/image_size.h"
#include "data/index_mask_dataset.h"
#include "data/text_lines.h"

namespace cdfss {
namespace {

namespace fs = std::filesystem;

Error invalid(const std::string& where, const std::string& what) {
  return Error(ErrorCode::kInvalidValue, where + what);
}

// All classes, sorted by name.
std::vector<std::string> classes_of(const fs::path& root) {
  std::vector<std::string> names;
  for (const fs::path& entry : entries_of(root)) {
    std::error_code error;
    if (fs::is_directory(entry, error)) {
      names.push_back(entry.filename().string());
    }
  }
  if (names.empty()) {
    throw invalid(root.string(), " has no folders, expected one a class");
  }
  return names;
}

std::vector<std::string> listed_classes(const fs::path& root, const fs::path& list) {
  std::vector<std::string> names;
  for (const ListEntry& entry : read_list(list, "class names")) {
    std::error_code error;
    if (!fs::is_directory(root / entry.name, error)) {
      throw Error(ErrorCode::kNotFound, (root / entry.name).string() +
                                            " does not exist, expected by " + list.string() +
                                            ", line " + std::to_string(entry.line));
    }
    names.push_back(entry.name);
  }
  std::ranges::sort(names);
  return names;
}

// The classes with an id, their place among all, for which `is_in` holds.
template <typename IsIn>
std::vector<std::string> numbered_classes(const fs::path& root, IsIn is_in) {
  const std::vector<std::string> all = classes_of(root);
  if (all.size() != kFssClasses) {
    throw invalid(root.string(), " has " + std::to_string(all.size()) +
                                     " classes, expected FSS-1000's 1000 for a fold or subset");
  }
  std::vector<std::string> names;
  for (int id = 0; id < kFssClasses; ++id) {
    if (is_in(id)) {
      names.push_back(all[id]);
    }
  }
  return names;
}

std::vector<std::string> selected_classes(const DatasetSpec& spec, FoldPart part) {
  const std::string where = "dataset '" + spec.text + "': ";
  const std::optional<int> fold = number_option(spec, "fold", 0, kFolds - 1);
  const std::optional<int> subset = number_option(spec, "subset", 0, kFssSubsets - 1);
  const std::optional<fs::path> list = list_option(spec, spec.root);
  if (list.has_value() + fold.has_value() + subset.has_value() > 1) {
    throw invalid(where, "expected only one of fold, list, split and subset");
  }
  const auto split = spec.options.find("split");
  if (split != spec.options.end() && split->second != "train" && split->second != "val" &&
      split->second != "test") {
    throw invalid(where, "split is '" + split->second + "', expected train, val or test");
  }
  if (list) {
    return listed_classes(spec.root, *list);
  }
  if (fold) {
    return numbered_classes(
        spec.root, [&](int id) { return fss_fold_tests(id, *fold) == (part == FoldPart::kTest); });
  }
  if (subset) {
    return numbered_classes(spec.root, [&](int id) { return id / kFssSubsetSize == *subset; });
  }
  return classes_of(spec.root);
}

std::vector<ImageAndMask> class_files(const fs::path& folder, bool repair) {
  std::set<fs::path> images;
  std::set<fs::path> masks;
  for (const fs::path& entry : entries_of(folder)) {
    if (entry.extension() == ".jpg") {
      images.insert(entry);
    } else if (entry.extension() == ".png") {
      masks.insert(entry);
    } else if (!repair) {
      throw invalid(entry.string(),
                    " is neither an image (.jpg) nor a mask (.png) of FSS-1000; "
                    "repair=1 leaves it out");
    }
  }
  std::vector<ImageAndMask> files = pair_by_stem(images, std::move(masks), folder, ".png");
  if (files.empty()) {
    throw invalid(folder.string(), " is empty, expected images");
  }
  return files;
}

}  // namespace

std::shared_ptr<const Dataset> open_fss_dataset(const DatasetSpec& spec, FoldPart part) {
  require_known_options(spec, {"fold", "list", "minimum_area", "repair", "split", "subset"});
  const bool repair = number_option(spec, "repair", 0, 1) == 1;
  IndexMasks masks{.classes = selected_classes(spec, part),
                   .minimum_area = minimum_area_option(spec, kAnyArea)};
  for (std::size_t id = 0; id < masks.classes.size(); ++id) {
    for (ImageAndMask& file : class_files(spec.root / masks.classes[id], repair)) {
      file.meaning = static_cast<int>(id);
      masks.files.push_back(std::move(file));
    }
    masks.meanings.push_back(empty_meaning());
    masks.meanings.back()[1] = static_cast<int>(id);
  }
  if (repair) {
    masks.read = [](const ImageAndMask& file) {
      return repair_fss_mask(file.mask, image_size(file.image));
    };
  } else {
    masks.read = [](const ImageAndMask& file) { return read_fss_mask(file.mask); };
  }
  return open_index_masks(std::move(masks));
}

}  // namespace cdfss
