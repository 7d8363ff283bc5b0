#include "figure_prototypes.h"

#include <algorithm>
#include <numeric>
#include <opencv2/core.hpp>
#include <random>

#include "cdfss/error.h"
#include "data/random.h"

namespace cdfss {
namespace {

std::vector<std::vector<int>> images_by_class(const Dataset& dataset) {
  std::vector<std::vector<int>> images(dataset.classes().size());
  for (int index = 0; index < dataset.size(); ++index) {
    for (const int class_id : dataset.classes_in(index)) images[class_id].push_back(index);
  }
  return images;
}

}  // namespace

std::vector<PrototypeSample> draw_prototype_samples(const Dataset& dataset, int samples,
                                                    std::uint64_t seed) {
  auto images = images_by_class(dataset);
  std::vector<int> ids(images.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::erase_if(ids, [&](int id) { return images[id].size() < 2; });
  if (ids.empty()) {
    throw Error(ErrorCode::kInvalidValue,
                "no class of the dataset has the two images that a figure of prototypes needs");
  }
  std::ranges::stable_sort(ids, std::greater(), [&](int id) { return images[id].size(); });
  ids.resize(std::min<std::size_t>(ids.size(), kMostPrototypeClasses));
  std::ranges::sort(ids);

  std::mt19937_64 generator(seed);
  std::vector<PrototypeSample> drawn;
  for (const int id : ids) {
    shuffle(images[id], generator);
    images[id].resize(std::min<std::size_t>(images[id].size(), samples));
    for (const int image : images[id]) drawn.push_back({.class_id = id, .image = image});
  }
  return drawn;
}

PrototypeProjection project(const PrototypeCloud& cloud) {
  const cv::PCA pca(cloud.vectors, cv::noArray(), cv::PCA::DATA_AS_ROW);
  PrototypeProjection result;
  const cv::Mat all = pca.project(cloud.vectors);
  result.points = cv::Mat::zeros(cloud.vectors.rows, 2, CV_32F);
  const int components = std::min(2, all.cols);  // fewer when all vectors are alike
  all.colRange(0, components).copyTo(result.points.colRange(0, components));
  const double variance = cv::sum(pca.eigenvalues)[0];
  if (variance > 0) {
    result.explained = cv::sum(pca.eigenvalues.rowRange(0, components))[0] / variance;
  }

  const cv::Mat cosines = cloud.vectors * cloud.vectors.t();
  int within = 0;
  int between = 0;
  for (int i = 0; i < cosines.rows; ++i) {
    for (int j = 0; j < i; ++j) {
      const bool same = cloud.class_ids[i] == cloud.class_ids[j];
      (same ? result.within : result.between) += cosines.at<float>(i, j);
      ++(same ? within : between);
    }
  }
  result.within /= std::max(1, within);
  result.between /= std::max(1, between);
  return result;
}

}  // namespace cdfss
