// An image with its label, and the one-class episode made of such samples.
#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

namespace cdfss {

// Label values of a one-class sample: 0 background, 1 the class, 255 ignore (SPEC A12).
struct Sample {
  cv::Mat image;  // CV_8UC3, RGB
  cv::Mat label;  // CV_8UC1, the image's size
};

// One few-shot task: segment `query` given `supports`.
struct Episode {
  std::string class_name;
  int class_id = 0;     // index into the dataset's classes()
  int query_index = 0;  // index of the query image in the dataset
  std::vector<int> support_indices;
  Sample query;
  std::vector<Sample> supports;  // K shots, distinct images, never the query's
};

}  // namespace cdfss
