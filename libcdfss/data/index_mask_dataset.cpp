#include "data/index_mask_dataset.h"

#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>

#include "cdfss/error.h"
#include "data/image_file.h"
#include "data/image_size.h"

namespace cdfss {
namespace {

constexpr int kIgnoreValue = 255;

std::string size_text(cv::Size size) {
  return std::to_string(size.width) + "x" + std::to_string(size.height);
}

ValueCounts count_values_of(const ImageAndMask& file, const ReadMask& read) {
  const cv::Mat mask = read(file);
  const cv::Size size = image_size(file.image);
  if (mask.size() != size) {
    throw Error(ErrorCode::kInvalidValue, file.mask.string() + " is " + size_text(mask.size()) +
                                              " pixels, expected " + size_text(size) + " as " +
                                              file.image.string());
  }
  ValueCounts counts{};
  for (int y = 0; y < mask.rows; ++y) {
    const std::uint8_t* row = mask.ptr<std::uint8_t>(y);
    for (int x = 0; x < mask.cols; ++x) {
      ++counts[row[x]];
    }
  }
  return counts;
}

Error means_nothing(const ImageAndMask& file, int value, int count, const MaskMeaning& meaning) {
  int last = 0;
  for (int known = 0; known < kIgnoreValue; ++known) {
    last = meaning[known] == kMeansNothing ? last : known;
  }
  return Error(ErrorCode::kInvalidValue, file.mask.string() + " has " + std::to_string(count) +
                                             " pixels of index " + std::to_string(value) +
                                             ", which names no class; expected 0 to " +
                                             std::to_string(last) + " or 255 (ignore)");
}

}  // namespace

MaskMeaning empty_meaning() {
  MaskMeaning meaning;
  meaning.fill(kMeansNothing);
  meaning[0] = kMeansBackground;
  meaning[kIgnoreValue] = kMeansIgnore;
  return meaning;
}

std::vector<ValueCounts> count_values(const std::vector<ImageAndMask>& files,
                                      const ReadMask& read) {
  std::vector<ValueCounts> counts(files.size());
  cv::parallel_for_(cv::Range(0, static_cast<int>(files.size())), [&](const cv::Range& range) {
    for (int index = range.start; index < range.end; ++index) {
      counts[index] = count_values_of(files[index], read);
    }
  });
  return counts;
}

IndexMaskDataset::IndexMaskDataset(IndexMasks masks, const std::vector<ValueCounts>& counts)
    : masks_(std::move(masks)) {
  for (std::size_t index = 0; index < masks_.files.size(); ++index) {
    classes_in_.push_back(large_classes(masks_.files[index], counts[index]));
  }
}

std::vector<int> IndexMaskDataset::large_classes(const ImageAndMask& file,
                                                 const ValueCounts& counts) const {
  const MaskMeaning& meaning = masks_.meanings[file.meaning];
  std::vector<int> present;
  for (int value = 0; value < static_cast<int>(counts.size()); ++value) {
    if (counts[value] > 0 && meaning[value] == kMeansNothing) {
      throw means_nothing(file, value, counts[value], meaning);
    }
    if (meaning[value] >= 0 && counts[value] >= masks_.minimum_area) {
      present.push_back(meaning[value]);
    }
  }
  return present;
}

cv::Mat IndexMaskDataset::image(int index) const { return read_rgb(masks_.files[index].image); }

cv::Mat IndexMaskDataset::label(int index, int class_id) const {
  const ImageAndMask& file = masks_.files[index];
  const MaskMeaning& meaning = masks_.meanings[file.meaning];
  cv::Mat table(1, 256, CV_8UC1, cv::Scalar(0));
  for (int value = 0; value < table.cols; ++value) {
    if (meaning[value] == class_id) {
      table.at<std::uint8_t>(value) = 1;
    } else if (meaning[value] == kMeansIgnore) {
      table.at<std::uint8_t>(value) = 255;
    }
  }
  cv::Mat label;
  cv::LUT(masks_.read(file), table, label);
  return label;
}

std::shared_ptr<const Dataset> open_index_masks(IndexMasks masks) {
  const std::vector<ValueCounts> counts = count_values(masks.files, masks.read);
  return std::make_shared<IndexMaskDataset>(std::move(masks), counts);
}

void name_indices(const std::vector<std::string>& index_names, IndexMasks& masks) {
  MaskMeaning meaning = empty_meaning();
  for (std::size_t index = 0; index < index_names.size(); ++index) {
    if (!index_names[index].empty()) {
      meaning[index] = static_cast<int>(masks.classes.size());
      masks.classes.push_back(index_names[index]);
    }
  }
  masks.meanings = {meaning};
}

}  // namespace cdfss
