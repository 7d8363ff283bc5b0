// Images whose labels are index masks (PNG), one file a mask: what `folder` and `pascal` have in
// common.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace cdfss {

struct ImageAndMask {
  std::filesystem::path image;
  std::filesystem::path mask;
};

class IndexMaskDataset : public Dataset {
 public:
  // `index_names`: the class of every mask index, empty for the background and for unused indices;
  // 255 is ignore. Reads every mask once, in parallel. Throws Error for a mask that cannot be read
  // and (kInvalidValue) for one with an index that has no name.
  IndexMaskDataset(std::vector<ImageAndMask> files, std::vector<std::string> index_names,
                   int minimum_area);

  int size() const override { return static_cast<int>(files_.size()); }
  std::string name(int index) const override { return files_[index].image.string(); }
  const std::vector<std::string>& classes() const override { return classes_; }
  const std::vector<int>& classes_in(int index) const override { return classes_in_[index]; }
  cv::Mat image(int index) const override;
  cv::Mat label(int index, int class_id) const override;

 private:
  std::vector<int> scan(const std::filesystem::path& mask, int minimum_area) const;

  std::vector<ImageAndMask> files_;
  std::vector<std::string> index_names_;
  std::vector<std::string> classes_;
  std::vector<int> mask_index_;  // by class id
  std::vector<std::vector<int>> classes_in_;
};

}  // namespace cdfss
