#include "data/labelme.h"

#include <algorithm>
#include <opencv2/core.hpp>
#include <string>

#include "cdfss/support_set.h"
#include "data/json_file.h"
#include "data/polygon.h"

namespace cdfss {
namespace {

constexpr const char* kIgnoreLabel = "__ignore__";

std::vector<cv::Point2d> points_of(const nlohmann::json& shape, const std::string& where) {
  std::vector<cv::Point2d> points;
  for (const nlohmann::json& point : shape.at("points")) {
    points.emplace_back(point.at(0).get<double>(), point.at(1).get<double>());
    if (!is_drawable(points.back())) {
      throw Error(ErrorCode::kInvalidValue, where + " has a point far outside of the image");
    }
  }
  return points;
}

void require_points(bool right, std::size_t count, const char* expected, const std::string& where) {
  if (!right) {
    throw Error(ErrorCode::kInvalidValue,
                where + " has " + std::to_string(count) + " points, expected " + expected);
  }
}

void draw(cv::Mat& mask, const nlohmann::json& shape, int value, const std::string& where) {
  const std::string kind = shape.value("shape_type", "polygon");
  const std::vector<cv::Point2d> points = points_of(shape, where);
  if (kind == "polygon") {
    require_points(points.size() >= 3, points.size(), "3 or more", where);
    fill_polygon(mask, points, value);
  } else if (kind == "rectangle") {
    require_points(points.size() == 2, points.size(), "two corners", where);
    fill_polygon(mask,
                 {points[0], {points[1].x, points[0].y}, points[1], {points[0].x, points[1].y}},
                 value);
  } else if (kind == "circle") {
    require_points(points.size() == 2, points.size(), "the centre and one of the rim", where);
    fill_circle(mask, points[0], cv::norm(points[1] - points[0]), value);
  } else {
    throw Error(ErrorCode::kInvalidValue,
                where + " is a " + kind + ", expected a polygon, rectangle or circle");
  }
}

void require_size(const nlohmann::json& json, cv::Size size, const std::string& file) {
  const cv::Size annotated(json.value("imageWidth", size.width),
                           json.value("imageHeight", size.height));
  if (annotated != size) {
    throw Error(ErrorCode::kInvalidValue,
                file + " is for an image of " + std::to_string(annotated.width) + "x" +
                    std::to_string(annotated.height) + " pixels, but its image is " +
                    std::to_string(size.width) + "x" + std::to_string(size.height));
  }
}

}  // namespace

std::vector<LabelledMask> read_labelme(const std::filesystem::path& file, cv::Size size) {
  return read_json(file, [&](const nlohmann::json& json) {
    require_size(json, size, file.string());
    std::vector<LabelledMask> masks;
    cv::Mat ignored(size, CV_8UC1, cv::Scalar(0));
    int number = 0;
    for (const nlohmann::json& shape : json.at("shapes")) {
      const auto label = shape.at("label").get<std::string>();
      const std::string where =
          file.string() + ": shape " + std::to_string(++number) + " ('" + label + "')";
      if (label == kIgnoreLabel) {
        draw(ignored, shape, kMaskIgnore, where);
        continue;
      }
      auto entry = std::ranges::find(masks, label, &LabelledMask::class_name);
      if (entry == masks.end()) {
        masks.push_back({.class_name = label, .mask = cv::Mat(size, CV_8UC1, cv::Scalar(0))});
        entry = masks.end() - 1;
      }
      draw(entry->mask, shape, kMaskObject, where);
    }
    if (masks.empty()) {
      throw Error(ErrorCode::kInvalidValue,
                  file.string() + " labels nothing, expected one shape or more");
    }
    for (LabelledMask& labelled : masks) {
      labelled.mask.setTo(kMaskIgnore, (ignored == kMaskIgnore) & (labelled.mask == 0));
    }
    return masks;
  });
}

}  // namespace cdfss
