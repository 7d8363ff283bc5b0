#include "data/coco_annotations.h"

#include <algorithm>
#include <map>
#include <set>

#include "cdfss/support_set.h"
#include "data/coco_rle.h"
#include "data/json_file.h"
#include "data/polygon.h"

namespace cdfss {
namespace {

constexpr int kMaximumSide = 32768;

Error invalid(const std::string& where, const std::string& what) {
  return Error(ErrorCode::kInvalidValue, where + " " + what);
}

// Category names by ascending id, and the index of each id.
std::map<std::int64_t, int> read_categories(const nlohmann::json& json, const std::string& name,
                                            std::vector<std::string>& categories) {
  std::map<std::int64_t, std::string> names;
  std::set<std::string> unique;
  for (const nlohmann::json& category : json.at("categories")) {
    const auto id = category.at("id").get<std::int64_t>();
    const auto text = category.at("name").get<std::string>();
    if (text.empty() || !unique.insert(text).second || !names.emplace(id, text).second) {
      throw invalid(name + ": category " + std::to_string(id) + " ('" + text + "')",
                    "has no name, or an id or name that is taken");
    }
  }
  if (names.empty()) {
    throw invalid(name, "has no categories, expected one or more");
  }
  std::map<std::int64_t, int> index_of_id;
  for (const auto& [id, text] : names) {
    index_of_id[id] = static_cast<int>(categories.size());
    categories.push_back(text);
  }
  return index_of_id;
}

std::map<std::int64_t, CocoImage> read_images(const nlohmann::json& json, const std::string& name) {
  std::map<std::int64_t, CocoImage> images;
  std::set<std::string> unique;
  for (const nlohmann::json& entry : json.at("images")) {
    const auto id = entry.at("id").get<std::int64_t>();
    CocoImage image{.file_name = entry.at("file_name").get<std::string>(),
                    .size = {entry.at("width").get<int>(), entry.at("height").get<int>()},
                    .annotations = {}};
    const std::string where = name + ": image " + std::to_string(id) + " (" + image.file_name + ")";
    if (image.size.width < 1 || image.size.height < 1 || image.size.width > kMaximumSide ||
        image.size.height > kMaximumSide) {
      throw invalid(where, "is " + std::to_string(image.size.width) + "x" +
                               std::to_string(image.size.height) + ", expected sides of 1 to " +
                               std::to_string(kMaximumSide) + " pixels");
    }
    if (!unique.insert(image.file_name).second || !images.emplace(id, std::move(image)).second) {
      throw invalid(where, "occurs twice");
    }
  }
  if (images.empty()) {
    throw invalid(name, "has no images, expected one or more");
  }
  return images;
}

// The entry of `known`, by id, that `key` of an annotation names.
template <typename Known>
auto named_entry(Known& known, const nlohmann::json& annotation, const char* key,
                 const std::string& where) {
  const auto id = annotation.at(key).get<std::int64_t>();
  const auto entry = known.find(id);
  if (entry == known.end()) {
    throw invalid(where, "has " + std::string(key) + " " + std::to_string(id) +
                             ", which is not in the file: it has " + std::to_string(known.size()) +
                             " from " + std::to_string(known.begin()->first) + " to " +
                             std::to_string(known.rbegin()->first));
  }
  return entry;
}

std::vector<cv::Point2d> read_polygon(const nlohmann::json& json, const std::string& where) {
  const auto numbers = json.get<std::vector<double>>();
  if (numbers.size() < 6 || numbers.size() % 2 != 0) {
    throw invalid(where, "has a polygon of " + std::to_string(numbers.size()) +
                             " numbers, expected an even number, 6 or more");
  }
  std::vector<cv::Point2d> points;
  for (std::size_t i = 0; i < numbers.size(); i += 2) {
    points.emplace_back(numbers[i], numbers[i + 1]);
    if (!is_drawable(points.back())) {
      throw invalid(where, "has a point far outside of its image");
    }
  }
  return points;
}

void read_segmentation(const nlohmann::json& json, cv::Size size, CocoAnnotation& annotation) {
  if (json.is_array()) {
    for (const nlohmann::json& polygon : json) {
      annotation.polygons.push_back(read_polygon(polygon, annotation.where));
    }
    if (annotation.polygons.empty()) {
      throw invalid(annotation.where, "has no polygon, expected one or more");
    }
    return;
  }
  const auto sides = json.at("size").get<std::vector<int>>();
  if (sides != std::vector<int>{size.height, size.width}) {
    throw invalid(annotation.where, "has a mask of another size than its image, expected [" +
                                        std::to_string(size.height) + ", " +
                                        std::to_string(size.width) + "]");
  }
  const nlohmann::json& counts = json.at("counts");
  annotation.runs = counts.is_string()
                        ? decode_coco_runs(counts.get<std::string>(), annotation.where)
                        : counts.get<std::vector<std::uint32_t>>();
  check_coco_runs(annotation.runs, size, annotation.where);
}

void draw(cv::Mat& label, const CocoAnnotation& annotation, int value) {
  for (const std::vector<cv::Point2d>& polygon : annotation.polygons) {
    fill_polygon_centres(label, polygon, value);
  }
  fill_coco_runs(label, annotation.runs, value);
}

}  // namespace

CocoFile read_coco(const std::filesystem::path& file) {
  return read_json(file, [&](const nlohmann::json& json) {
    const std::string name = file.string();
    CocoFile coco;
    const auto category_of_id = read_categories(json, name, coco.categories);
    auto images = read_images(json, name);
    for (const nlohmann::json& entry : json.at("annotations")) {
      CocoAnnotation annotation;
      annotation.where =
          name + ": annotation " + std::to_string(entry.at("id").get<std::int64_t>());
      const auto image = named_entry(images, entry, "image_id", annotation.where);
      const auto category = named_entry(category_of_id, entry, "category_id", annotation.where);
      annotation.category = category->second;
      annotation.crowd = entry.value("iscrowd", 0) != 0;
      read_segmentation(entry.at("segmentation"), image->second.size, annotation);
      image->second.annotations.push_back(std::move(annotation));
    }
    for (auto& [id, image] : images) {
      coco.images.push_back(std::move(image));
    }
    std::ranges::sort(coco.images, {}, &CocoImage::file_name);
    return coco;
  });
}

cv::Mat coco_label(const CocoImage& image, int category) {
  cv::Mat label(image.size, CV_8UC1, cv::Scalar(kMaskBackground));
  for (const CocoAnnotation& annotation : image.annotations) {
    if (annotation.crowd) {
      draw(label, annotation, kMaskIgnore);
    }
  }
  for (const CocoAnnotation& annotation : image.annotations) {
    if (!annotation.crowd && annotation.category == category) {
      draw(label, annotation, kMaskObject);
    }
  }
  return label;
}

}  // namespace cdfss
