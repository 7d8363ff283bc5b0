// Images with one mask file each, whose values stand for classes: what all kinds but COCO have in
// common.
#pragma once

#include <array>
#include <functional>
#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/paired_files.h"

namespace cdfss {

// What the values of a mask stand for, by value: a class id, or one of these.
using MaskMeaning = std::array<int, 256>;
inline constexpr int kMeansBackground = -1;
inline constexpr int kMeansIgnore = -2;
inline constexpr int kMeansNothing = -3;  // no mask may hold this value

// 0 is the background, 255 is ignored, the others mean nothing yet.
MaskMeaning empty_meaning();

// CV_8UC1 of a file's mask. Throws Error naming it. Called by several threads.
using ReadMask = std::function<cv::Mat(const ImageAndMask&)>;

// How many pixels of each value a mask has.
using ValueCounts = std::array<int, 256>;

// Reads every mask once, in parallel. Throws as `read` and image_size do, and Error(kInvalidValue)
// for a mask of another size than its image.
std::vector<ValueCounts> count_values(const std::vector<ImageAndMask>& files, const ReadMask& read);

struct IndexMasks {
  std::vector<ImageAndMask> files = {};
  std::vector<std::string> classes = {};
  std::vector<MaskMeaning> meanings = {};  // ImageAndMask::meaning is an index into them
  int minimum_area = kMinimumArea;
  ReadMask read = {};
};

class IndexMaskDataset : public Dataset {
 public:
  // `counts` are count_values(masks.files, masks.read). Throws Error(kInvalidValue) for a mask with
  // a value that means nothing.
  IndexMaskDataset(IndexMasks masks, const std::vector<ValueCounts>& counts);

  int size() const override { return static_cast<int>(masks_.files.size()); }
  std::string name(int index) const override { return masks_.files[index].image.string(); }
  const std::vector<std::string>& classes() const override { return masks_.classes; }
  const std::vector<int>& classes_in(int index) const override { return classes_in_[index]; }
  cv::Mat image(int index) const override;
  cv::Mat label(int index, int class_id) const override;

 private:
  std::vector<int> large_classes(const ImageAndMask& file, const ValueCounts& counts) const;

  IndexMasks masks_;
  std::vector<std::vector<int>> classes_in_;
};

// Counts and builds.
std::shared_ptr<const Dataset> open_index_masks(IndexMasks masks);

// The classes and the meaning of masks whose indices have these names: empty for the background and
// for unused indices.
void name_indices(const std::vector<std::string>& index_names, IndexMasks& masks);

}  // namespace cdfss
