#include <set>

#include "cdfss/error.h"
#include "data/class_tables.h"
#include "data/dataset_kinds.h"
#include "data/folder.h"
#include "data/image_file.h"
#include "data/index_mask_dataset.h"
#include "data/sbd_mask.h"
#include "data/text_lines.h"

namespace cdfss {
namespace {

namespace fs = std::filesystem;

// Where the files of an image id are.
class PascalTree {
 public:
  explicit PascalTree(const DatasetSpec& spec) : spec_(spec), root_(spec.root) {
    require_folder(root_);
    if (const auto sbd = spec.options.find("sbd"); sbd != spec.options.end()) {
      sbd_ = fs::path(sbd->second) / "dataset";
      require_folder(sbd_);
    }
    const auto masks = spec.options.find("masks");
    masks_ = root_ / (masks == spec.options.end() ? "SegmentationClass" : masks->second);
    require_folder(masks_);
  }

  std::vector<ImageAndMask> files(FoldPart part) const {
    std::vector<ImageAndMask> files;
    for (const auto& [list, entries] : lists(part)) {
      for (const ListEntry& entry : entries) {
        files.push_back(files_of(entry, list));
      }
    }
    return files;
  }

 private:
  struct List {
    fs::path file;
    std::vector<ListEntry> entries;
  };

  std::vector<List> lists(FoldPart part) const {
    const std::optional<fs::path> list = list_option(spec_, voc_lists());
    const auto split = spec_.options.find("split");
    const std::string name = split != spec_.options.end() ? split->second : "";
    if (name.starts_with("sbd-") || name == "merged") {
      if (sbd_.empty()) {
        throw Error(ErrorCode::kInvalidValue, "dataset '" + spec_.text + "': split " + name +
                                                  " needs sbd=FOLDER, SBD's benchmark_RELEASE");
      }
      return name == "merged" ? merged_lists()
                              : std::vector{ids_of(sbd_ / (name.substr(4) + ".txt"))};
    }
    if (list) {
      return {ids_of(*list)};
    }
    if (part == FoldPart::kTest) {
      return {ids_of(voc_lists() / "val.txt")};
    }
    return sbd_.empty() ? std::vector{ids_of(voc_lists() / "train.txt")} : merged_lists();
  }

  // What VOC's training list and SBD have together, without VOC's validation images.
  std::vector<List> merged_lists() const {
    std::vector<List> merged{ids_of(voc_lists() / "train.txt")};
    std::set<std::string> taken;
    const auto take = [&](const List& list) {
      for (const ListEntry& entry : list.entries) {
        taken.insert(entry.name);
      }
    };
    take(merged.front());
    take(ids_of(voc_lists() / "val.txt"));
    for (const char* name : {"train.txt", "val.txt"}) {
      List list = ids_of(sbd_ / name);
      std::erase_if(list.entries,
                    [&](const ListEntry& entry) { return taken.contains(entry.name); });
      take(list);
      merged.push_back(std::move(list));
    }
    return merged;
  }

  fs::path voc_lists() const { return root_ / "ImageSets" / "Segmentation"; }

  static List ids_of(const fs::path& file) {
    List list{.file = file, .entries = read_list(file, "image ids")};
    for (const ListEntry& entry : list.entries) {
      const auto space = entry.name.find_first_of(" \t");
      if (space != std::string::npos) {
        throw Error(ErrorCode::kInvalidValue, file.string() + ", line " +
                                                  std::to_string(entry.line) + ": '" + entry.name +
                                                  "', expected one image id a line");
      }
    }
    return list;
  }

  ImageAndMask files_of(const ListEntry& id, const fs::path& list) const {
    const std::string where = list.string() + ", line " + std::to_string(id.line);
    return {
        .image = voc_or_sbd(root_ / "JPEGImages" / (id.name + ".jpg"),
                            sbd_ / "img" / (id.name + ".jpg"), where),
        .mask = voc_or_sbd(masks_ / (id.name + ".png"), sbd_ / "cls" / (id.name + ".mat"), where)};
  }

  fs::path voc_or_sbd(const fs::path& voc, const fs::path& sbd, const std::string& where) const {
    std::error_code error;
    if (fs::is_regular_file(voc, error)) {
      return voc;
    }
    if (!sbd_.empty() && fs::is_regular_file(sbd, error)) {
      return sbd;
    }
    throw Error(ErrorCode::kNotFound, voc.string() + " does not exist" +
                                          (sbd_.empty() ? "" : ", nor does " + sbd.string()) +
                                          ", expected by " + where);
  }

  const DatasetSpec& spec_;
  fs::path root_;
  fs::path masks_;
  fs::path sbd_;  // its `dataset` folder; empty: none
};

}  // namespace

std::shared_ptr<const Dataset> open_pascal_dataset(const DatasetSpec& spec, FoldPart part) {
  require_known_options(spec, {"fold", "list", "masks", "minimum_area", "sbd", "split"});
  const std::optional<int> fold = number_option(spec, "fold", 0, kFolds - 1);
  IndexMasks masks{.minimum_area = minimum_area_option(spec), .read = [](const ImageAndMask& file) {
                     return file.mask.extension() == ".mat" ? read_sbd_mask(file.mask)
                                                            : read_index(file.mask);
                   }};
  std::vector<std::string> index_names{""};  // the background
  index_names.insert(index_names.end(), voc_class_names().begin(), voc_class_names().end());
  name_indices(index_names, masks);
  masks.files = PascalTree(spec).files(part);
  auto dataset = open_index_masks(std::move(masks));
  if (!fold) {
    return dataset;
  }
  return keep_fold(std::move(dataset), part, [&](int id) { return voc_fold_tests(id, *fold); });
}

}  // namespace cdfss
