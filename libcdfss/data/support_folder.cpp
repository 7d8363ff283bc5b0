// SupportSet::load: support sets as folders (DESIGN 6, "Support set").
#include <algorithm>
#include <cctype>
#include <map>
#include <opencv2/core.hpp>
#include <set>
#include <string>
#include <vector>

#include "cdfss/error.h"
#include "cdfss/support_set.h"
#include "data/class_names.h"
#include "data/coco_annotations.h"
#include "data/folder.h"
#include "data/image_file.h"
#include "data/labelled_mask.h"
#include "data/labelme.h"
#include "data/support_mask.h"

namespace cdfss {
namespace {

namespace fs = std::filesystem;

constexpr const char* kClassNames = "classes.txt";
constexpr const char* kCocoFile = "annotations.json";

Error invalid(const fs::path& file, const std::string& what) {
  return Error(ErrorCode::kInvalidValue, file.string() + " " + what);
}

std::string lower_extension(const fs::path& file) {
  std::string extension = file.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return std::tolower(c); });
  return extension;
}

bool is_folder(const fs::path& entry) {
  std::error_code error;
  return fs::is_directory(entry, error);
}

// Formats that cannot be a mask. A PNG is an image only where it cannot be one either.
bool is_photo(const fs::path& file) {
  static const std::set<std::string> kExtensions{".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"};
  return kExtensions.contains(lower_extension(file));
}

void add_masks(SupportSet& set, const cv::Mat& image, std::vector<LabelledMask> masks,
               const std::string& source) {
  const auto shared = std::make_shared<const Image>(to_image(image));
  for (const LabelledMask& labelled : masks) {
    const cv::Mat mask = labelled.mask.isContinuous() ? labelled.mask : labelled.mask.clone();
    set.add(labelled.class_name,
            {.image = shared,
             .mask = {mask.data, mask.data + mask.total()},
             .source = masks.size() > 1 ? source + " (" + labelled.class_name + ")" : source});
  }
}

// The classes that `names` lists in its order, then the others: result masks number them alike
// whichever image happens to come first.
SupportSet in_order(const SupportSet& set, const std::vector<std::string>& names) {
  std::vector<std::string> order;
  for (const SupportClass& entry : set.classes()) {
    order.push_back(entry.name);
  }
  std::ranges::stable_sort(order, {},
                           [&](const std::string& name) { return std::ranges::find(names, name); });
  return set.select(order);
}

// The files that share a stem: an image and what labels it.
struct StemFiles {
  fs::path photo;
  fs::path png;
  fs::path json;
};

void place(fs::path& slot, const fs::path& file) {
  if (!slot.empty()) {
    throw invalid(file, "has the stem of " + slot.filename().string() +
                            ", expected one image and one mask or LabelMe file a stem");
  }
  slot = file;
}

// Images with masks or LabelMe files in one folder.
void load_pairs(SupportSet& set, const fs::path& folder, const std::set<fs::path>& entries,
                const std::string& class_name) {
  std::map<std::string, StemFiles> stems;
  std::vector<std::string> index_names;
  for (const fs::path& entry : entries) {
    if (entry.filename() == kClassNames) {
      index_names = read_class_names(entry);
      continue;
    }
    StemFiles& files = stems[entry.stem().string()];
    if (is_photo(entry)) {
      place(files.photo, entry);
    } else if (lower_extension(entry) == ".png") {
      place(files.png, entry);
    } else if (lower_extension(entry) == ".json") {
      place(files.json, entry);
    } else {
      throw invalid(entry,
                    "does not belong in a support set, expected images, PNG masks, LabelMe JSON, "
                    "classes.txt or annotations.json");
    }
  }
  if (stems.empty()) {
    throw invalid(folder, "is empty, expected labelled images");
  }
  for (const auto& [stem, files] : stems) {
    // A PNG beside LabelMe JSON and no other image is the image.
    const bool png_is_image = files.photo.empty() && !files.json.empty();
    const fs::path& image = png_is_image ? files.png : files.photo;
    const fs::path& mask = png_is_image ? files.photo : files.png;
    const fs::path& annotation = mask.empty() ? files.json : mask;
    if (image.empty()) {
      throw invalid(annotation,
                    "has no image, expected " + stem + ".jpg (or .bmp, .webp, .tif) beside it");
    }
    if (annotation.empty()) {
      throw invalid(
          image, "has no mask, expected " + stem + ".png or LabelMe's " + stem + ".json beside it");
    }
    if (!mask.empty() && !files.json.empty()) {
      throw invalid(files.json, "labels an image that has the mask " + mask.filename().string() +
                                    ", expected one of them");
    }
    const cv::Mat pixels = read_rgb(image);
    add_masks(set, pixels,
              mask.empty() ? read_labelme(annotation, pixels.size())
                           : read_support_mask(mask, pixels.size(), class_name, index_names),
              annotation.string());
  }
  set = in_order(set, index_names);
}

// Every file of the folder and of those below it is one of `expected`.
void require_named(const fs::path& folder, const std::set<fs::path>& expected) {
  for (const fs::path& entry : entries_of(folder)) {
    if (is_folder(entry)) {
      require_named(entry, expected);
    } else if (!expected.contains(entry.lexically_normal())) {
      throw invalid(entry, std::string("is not named by ") + kCocoFile);
    }
  }
}

// One COCO file and the images that it names, in this folder or below.
void load_coco(SupportSet& set, const fs::path& folder) {
  const CocoFile coco = read_coco(folder / kCocoFile);
  std::set<fs::path> expected{(folder / kCocoFile).lexically_normal()};
  for (const CocoImage& image : coco.images) {
    expected.insert((folder / image.file_name).lexically_normal());
  }
  require_named(folder, expected);
  for (const CocoImage& image : coco.images) {
    const fs::path file = folder / image.file_name;
    const cv::Mat pixels = read_rgb(file);
    if (pixels.size() != image.size) {
      throw invalid(file, "is " + std::to_string(pixels.cols) + "x" + std::to_string(pixels.rows) +
                              " pixels, but " + kCocoFile + " says " +
                              std::to_string(image.size.width) + "x" +
                              std::to_string(image.size.height));
    }
    std::vector<LabelledMask> masks;
    for (std::size_t category = 0; category < coco.categories.size(); ++category) {
      cv::Mat label = coco_label(image, static_cast<int>(category));
      if (cv::countNonZero(label == kMaskObject) > 0) {
        masks.push_back({.class_name = coco.categories[category], .mask = std::move(label)});
      }
    }
    if (masks.empty()) {
      throw invalid(file, std::string("has no object in ") + kCocoFile + ", expected one or more");
    }
    add_masks(set, pixels, std::move(masks), file.string());
  }
  set = in_order(set, coco.categories);
}

std::string folder_name(const fs::path& folder) {
  const fs::path normal = fs::absolute(folder).lexically_normal();
  return (normal.has_filename() ? normal : normal.parent_path()).filename().string();
}

}  // namespace

SupportSet SupportSet::load(const fs::path& folder) {
  const std::set<fs::path> entries = entries_of(folder);
  SupportSet set;
  if (entries.contains(folder / kCocoFile)) {
    load_coco(set, folder);
    return set;
  }
  if (std::ranges::none_of(entries, is_folder)) {
    load_pairs(set, folder, entries, folder_name(folder));
    return set;
  }
  for (const fs::path& entry : entries) {
    if (!is_folder(entry)) {
      throw invalid(entry,
                    "is beside class folders, expected either sub-folders or labelled "
                    "images, not both");
    }
    load_pairs(set, entry, entries_of(entry), entry.filename().string());
  }
  return set;
}

}  // namespace cdfss
