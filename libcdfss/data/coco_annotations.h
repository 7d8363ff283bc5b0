// COCO instance annotations: one JSON file for many images.
#pragma once

#include <cstdint>
#include <filesystem>
#include <opencv2/core/mat.hpp>
#include <opencv2/core/types.hpp>
#include <string>
#include <vector>

namespace cdfss {

struct CocoAnnotation {
  int category = 0;  // index into CocoFile::categories
  bool crowd = false;
  std::string where;                               // file and annotation id, for messages
  std::vector<std::vector<cv::Point2d>> polygons;  // either these, united
  std::vector<std::uint32_t> runs;                 // or these, see coco_rle.h
};

struct CocoImage {
  std::string file_name;  // as in the file, relative to the folder of images
  cv::Size size;
  std::vector<CocoAnnotation> annotations;
};

struct CocoFile {
  std::vector<std::string> categories;  // names by ascending category id
  std::vector<CocoImage> images;        // by file name
};

// Throws Error(kNotFound | kUnreadable), (kInvalidValue) for anything that is not as COCO writes
// it, naming the file and the annotation.
CocoFile read_coco(const std::filesystem::path& file);

// CV_8UC1 of the image's size: 1 where an instance of the category is, 255 in other pixels of a
// crowd of any category, 0 elsewhere.
cv::Mat coco_label(const CocoImage& image, int category);

}  // namespace cdfss
