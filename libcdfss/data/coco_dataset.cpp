#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>
#include <set>

#include "cdfss/error.h"
#include "data/class_tables.h"
#include "data/coco_annotations.h"
#include "data/dataset_kinds.h"
#include "data/folder.h"
#include "data/image_file.h"
#include "data/image_size.h"

namespace cdfss {
namespace {

namespace fs = std::filesystem;

class CocoDataset : public Dataset {
 public:
  // Draws every label once, in parallel, to know which classes are large enough.
  CocoDataset(fs::path folder, CocoFile coco, int minimum_area)
      : folder_(std::move(folder)), coco_(std::move(coco)), classes_in_(coco_.images.size()) {
    cv::parallel_for_(cv::Range(0, size()), [&](const cv::Range& range) {
      for (int index = range.start; index < range.end; ++index) {
        check_image(index);
        classes_in_[index] = large_classes(coco_.images[index], minimum_area);
      }
    });
  }

  int size() const override { return static_cast<int>(coco_.images.size()); }
  std::string name(int index) const override {
    return (folder_ / coco_.images[index].file_name).string();
  }
  const std::vector<std::string>& classes() const override { return coco_.categories; }
  const std::vector<int>& classes_in(int index) const override { return classes_in_[index]; }
  cv::Mat image(int index) const override { return read_rgb(name(index)); }
  cv::Mat label(int index, int class_id) const override {
    return coco_label(coco_.images[index], class_id);
  }

 private:
  void check_image(int index) const {
    std::error_code error;
    if (!fs::is_regular_file(name(index), error)) {
      throw Error(ErrorCode::kNotFound,
                  name(index) + " does not exist, expected by the annotations");
    }
    const cv::Size expected = coco_.images[index].size;
    const cv::Size size = image_size(name(index));
    if (size != expected) {
      throw Error(ErrorCode::kInvalidValue,
                  name(index) + " is " + std::to_string(size.width) + "x" +
                      std::to_string(size.height) + " pixels, expected " +
                      std::to_string(expected.width) + "x" + std::to_string(expected.height) +
                      " as the annotations say");
    }
  }

  static std::vector<int> large_classes(const CocoImage& image, int minimum_area) {
    std::set<int> labelled;
    for (const CocoAnnotation& annotation : image.annotations) {
      if (!annotation.crowd) {
        labelled.insert(annotation.category);
      }
    }
    std::vector<int> large;
    for (const int category : labelled) {
      if (cv::countNonZero(coco_label(image, category) == 1) >= minimum_area) {
        large.push_back(category);
      }
    }
    return large;
  }

  fs::path folder_;
  CocoFile coco_;
  std::vector<std::vector<int>> classes_in_;
};

// The folds are defined on COCO's list: other categories in its place would test something else.
void require_coco_classes(const std::vector<std::string>& categories, const fs::path& file) {
  const std::vector<std::string>& expected = coco_class_names();
  if (categories.size() != expected.size()) {
    throw Error(ErrorCode::kInvalidValue, file.string() + " has " +
                                              std::to_string(categories.size()) +
                                              " categories, expected COCO's 80 for a fold");
  }
  for (std::size_t id = 0; id < expected.size(); ++id) {
    if (categories[id] != expected[id]) {
      throw Error(ErrorCode::kInvalidValue,
                  file.string() + ": category number " + std::to_string(id + 1) + " is '" +
                      categories[id] + "', expected COCO's '" + expected[id] + "' for a fold");
    }
  }
}

}  // namespace

std::shared_ptr<const Dataset> open_coco_dataset(const DatasetSpec& spec, FoldPart part) {
  require_known_options(spec, {"fold", "json", "minimum_area"});
  const std::optional<int> fold = number_option(spec, "fold", 0, kFolds - 1);
  const int minimum_area = minimum_area_option(spec);
  require_folder(spec.root);
  const auto json = spec.options.find("json");
  const fs::path file =
      json == spec.options.end() ? spec.root / "annotations.json" : fs::path(json->second);
  CocoFile coco = read_coco(file);
  if (fold) {
    require_coco_classes(coco.categories, file);
  }
  auto dataset = std::make_shared<CocoDataset>(spec.root, std::move(coco), minimum_area);
  if (!fold) {
    return dataset;
  }
  return keep_fold(std::move(dataset), part, [&](int id) { return coco_fold_tests(id, *fold); });
}

}  // namespace cdfss
