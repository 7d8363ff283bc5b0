#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>
#include <set>

#include "cdfss/error.h"
#include "data/coco_annotations.h"
#include "data/dataset_kinds.h"
#include "data/folder.h"
#include "data/image_file.h"

namespace cdfss {
namespace {

namespace fs = std::filesystem;

constexpr int kFolds = 4;
constexpr std::size_t kCocoClasses = 80;  // what the folds are defined on

class CocoDataset : public Dataset {
 public:
  // Draws every label once, in parallel, to know which classes are large enough.
  CocoDataset(fs::path folder, CocoFile coco)
      : folder_(std::move(folder)), coco_(std::move(coco)), classes_in_(coco_.images.size()) {
    for (const CocoImage& image : coco_.images) {
      std::error_code error;
      if (!fs::is_regular_file(folder_ / image.file_name, error)) {
        throw Error(ErrorCode::kNotFound, (folder_ / image.file_name).string() +
                                              " does not exist, expected by the annotations");
      }
    }
    cv::parallel_for_(cv::Range(0, size()), [&](const cv::Range& range) {
      for (int index = range.start; index < range.end; ++index) {
        classes_in_[index] = large_classes(coco_.images[index]);
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
  static std::vector<int> large_classes(const CocoImage& image) {
    std::set<int> labelled;
    for (const CocoAnnotation& annotation : image.annotations) {
      if (!annotation.crowd) {
        labelled.insert(annotation.category);
      }
    }
    std::vector<int> large;
    for (const int category : labelled) {
      if (cv::countNonZero(coco_label(image, category) == 1) >= kMinimumArea) {
        large.push_back(category);
      }
    }
    return large;
  }

  fs::path folder_;
  CocoFile coco_;
  std::vector<std::vector<int>> classes_in_;
};

}  // namespace

std::shared_ptr<const Dataset> open_coco_dataset(const DatasetSpec& spec, FoldPart part) {
  require_known_options(spec, {"fold", "json"});
  const std::optional<int> fold = number_option(spec, "fold", 0, kFolds - 1);
  require_folder(spec.root);
  const auto json = spec.options.find("json");
  const fs::path file =
      json == spec.options.end() ? spec.root / "annotations.json" : fs::path(json->second);
  auto dataset = std::make_shared<CocoDataset>(spec.root, read_coco(file));
  if (!fold) {
    return dataset;
  }
  if (dataset->classes().size() != kCocoClasses) {
    throw Error(ErrorCode::kInvalidValue, file.string() + " has " +
                                              std::to_string(dataset->classes().size()) +
                                              " categories, expected COCO's 80 for a fold");
  }
  return keep_fold(std::move(dataset), part, [&](int id) { return id % kFolds == *fold; });
}

}  // namespace cdfss
