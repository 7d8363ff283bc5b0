// Prototypes by class in two dimensions (the paper's Figure 5, left): how they are made, projected
// and how far apart their classes are.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <vector>

#include "data/dataset.h"

namespace cdfss {

// One image's prototype of one class.
struct PrototypeSample {
  int class_id = 0;
  int image = 0;  // index in the dataset
};

inline constexpr int kMostPrototypeClasses = 20;  // more colours nobody tells apart

// Up to `samples` images of each class, drawn with `seed`, of the at most kMostPrototypeClasses
// classes with most images; classes with one image do not count. By class id. Throws
// Error(kInvalidValue) when no class has two images.
std::vector<PrototypeSample> draw_prototype_samples(const Dataset& dataset, int samples,
                                                    std::uint64_t seed);

// Unit vectors, one a row: CV_32F [n, C].
struct PrototypeCloud {
  cv::Mat vectors;
  std::vector<int> class_ids;  // of the rows
};

struct PrototypeProjection {
  cv::Mat points;        // CV_32F [n, 2]: the first two principal components
  double explained = 0;  // share of the variance that they hold, 0..1
  double within = 0;     // mean cosine of two prototypes of one class
  double between = 0;    // and of two classes; the further below, the better they separate
};
PrototypeProjection project(const PrototypeCloud& cloud);

}  // namespace cdfss
