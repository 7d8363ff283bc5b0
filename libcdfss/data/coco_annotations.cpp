#include "data/coco_annotations.h"

#include <algorithm>
#include <limits>
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

// Gives the entries of the file's `list` to `read`; what is not laid out as expected is named by
// its number, for it may have no id.
template <typename Read>
void each_entry(const nlohmann::json& json, const char* list, const std::string& name, Read read) {
  std::size_t number = 0;
  for (const nlohmann::json& entry : json.at(list)) {
    ++number;
    try {
      read(entry);
    } catch (const nlohmann::json::exception& exception) {
      throw invalid(name + ": entry " + std::to_string(number) + " of " + list,
                    std::string("is not laid out as expected: ") + exception.what());
    }
  }
}

// The JSON library would cut off what is behind the point, and bits that do not fit.
std::int64_t whole_number(const nlohmann::json& value, const std::string& where) {
  if (!value.is_number_integer()) {
    throw invalid(where, "is " + value.dump() + ", expected a whole number");
  }
  return value.get<std::int64_t>();
}

std::int64_t whole_number_at(const nlohmann::json& entry, const char* key,
                             const std::string& where) {
  return whole_number(entry.at(key), where + ": " + key);
}

// Category names by ascending id, and the index of each id.
std::map<std::int64_t, int> read_categories(const nlohmann::json& json, const std::string& name,
                                            std::vector<std::string>& categories) {
  std::map<std::int64_t, std::string> names;
  std::set<std::string> unique;
  each_entry(json, "categories", name, [&](const nlohmann::json& category) {
    const std::int64_t id = whole_number_at(category, "id", name + ": a category");
    const auto text = category.at("name").get<std::string>();
    if (text.empty() || !unique.insert(text).second || !names.emplace(id, text).second) {
      throw invalid(name + ": category " + std::to_string(id) + " ('" + text + "')",
                    "has no name, or an id or name that is taken");
    }
  });
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
  each_entry(json, "images", name, [&](const nlohmann::json& entry) {
    const std::int64_t id = whole_number_at(entry, "id", name + ": an image");
    CocoImage image{
        .file_name = entry.at("file_name").get<std::string>(), .size = {}, .annotations = {}};
    const std::string where = name + ": image " + std::to_string(id) + " (" + image.file_name + ")";
    const std::int64_t width = whole_number_at(entry, "width", where);
    const std::int64_t height = whole_number_at(entry, "height", where);
    if (width < 1 || height < 1 || width > kMaximumSide || height > kMaximumSide) {
      throw invalid(where, "is " + std::to_string(width) + "x" + std::to_string(height) +
                               ", expected sides of 1 to " + std::to_string(kMaximumSide) +
                               " pixels");
    }
    image.size = {static_cast<int>(width), static_cast<int>(height)};
    if (!unique.insert(image.file_name).second || !images.emplace(id, std::move(image)).second) {
      throw invalid(where, "occurs twice");
    }
  });
  if (images.empty()) {
    throw invalid(name, "has no images, expected one or more");
  }
  return images;
}

// The entry of `known`, by id, that `key` of an annotation names.
template <typename Known>
auto named_entry(Known& known, const nlohmann::json& annotation, const char* key,
                 const std::string& where) {
  const std::int64_t id = whole_number_at(annotation, key, where);
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

std::vector<std::uint32_t> read_runs(const nlohmann::json& counts, const std::string& where) {
  if (counts.is_string()) return decode_coco_runs(counts.get<std::string>(), where);
  std::vector<std::uint32_t> runs;
  for (const nlohmann::json& count : counts) {
    const std::int64_t run = whole_number(count, where + ": a run length");
    if (run < 0 || run > std::numeric_limits<std::uint32_t>::max()) {
      throw invalid(where, "has a run of " + std::to_string(run) + " pixels, expected 0 or more");
    }
    runs.push_back(static_cast<std::uint32_t>(run));
  }
  return runs;
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
  annotation.runs = read_runs(json.at("counts"), annotation.where);
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
    each_entry(json, "annotations", name, [&](const nlohmann::json& entry) {
      CocoAnnotation annotation;
      annotation.where = name + ": annotation " +
                         std::to_string(whole_number_at(entry, "id", name + ": an annotation"));
      const auto image = named_entry(images, entry, "image_id", annotation.where);
      const auto category = named_entry(category_of_id, entry, "category_id", annotation.where);
      annotation.category = category->second;
      annotation.crowd = entry.value("iscrowd", 0) != 0;
      read_segmentation(entry.at("segmentation"), image->second.size, annotation);
      image->second.annotations.push_back(std::move(annotation));
    });
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
