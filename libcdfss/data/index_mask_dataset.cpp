#include "data/index_mask_dataset.h"

#include <array>
#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>

#include "cdfss/error.h"
#include "data/image_file.h"

namespace cdfss {

IndexMaskDataset::IndexMaskDataset(std::vector<ImageAndMask> files,
                                   std::vector<std::string> index_names, int minimum_area)
    : files_(std::move(files)), index_names_(std::move(index_names)), classes_in_(files_.size()) {
  for (int index = 0; index < static_cast<int>(index_names_.size()); ++index) {
    if (!index_names_[index].empty()) {
      classes_.push_back(index_names_[index]);
      mask_index_.push_back(index);
    }
  }
  cv::parallel_for_(cv::Range(0, size()), [&](const cv::Range& range) {
    for (int index = range.start; index < range.end; ++index) {
      classes_in_[index] = scan(files_[index].mask, minimum_area);
    }
  });
}

std::vector<int> IndexMaskDataset::scan(const std::filesystem::path& mask, int minimum_area) const {
  const cv::Mat labels = read_index(mask);
  std::array<int, 256> areas{};
  for (int y = 0; y < labels.rows; ++y) {
    const std::uint8_t* row = labels.ptr<std::uint8_t>(y);
    for (int x = 0; x < labels.cols; ++x) {
      ++areas[row[x]];
    }
  }
  for (std::size_t index = 1; index < 255; ++index) {
    if (areas[index] > 0 && (index >= index_names_.size() || index_names_[index].empty())) {
      throw Error(ErrorCode::kInvalidValue,
                  mask.string() + " has " + std::to_string(areas[index]) + " pixels of index " +
                      std::to_string(index) + ", which names no class; expected 0 to " +
                      std::to_string(index_names_.size() - 1) + " or 255 (ignore)");
    }
  }
  std::vector<int> present;
  for (int class_id = 0; class_id < static_cast<int>(classes_.size()); ++class_id) {
    if (areas[mask_index_[class_id]] >= minimum_area) {
      present.push_back(class_id);
    }
  }
  return present;
}

cv::Mat IndexMaskDataset::image(int index) const { return read_rgb(files_[index].image); }

cv::Mat IndexMaskDataset::label(int index, int class_id) const {
  cv::Mat labels = read_index(files_[index].mask);
  cv::Mat table(1, 256, CV_8UC1, cv::Scalar(0));
  table.at<std::uint8_t>(mask_index_[class_id]) = 1;
  table.at<std::uint8_t>(255) = 255;
  cv::LUT(labels, table, labels);
  return labels;
}

}  // namespace cdfss
