#include "data/support_mask.h"

#include <array>
#include <opencv2/core.hpp>

#include "cdfss/error.h"
#include "cdfss/support_set.h"
#include "data/image_file.h"

namespace cdfss {
namespace {

using Presence = std::array<bool, 256>;  // which values a mask holds

Presence values_in(const cv::Mat& mask) {
  Presence present{};
  for (int y = 0; y < mask.rows; ++y) {
    const std::uint8_t* row = mask.ptr<std::uint8_t>(y);
    for (int x = 0; x < mask.cols; ++x) {
      present[row[x]] = true;
    }
  }
  return present;
}

std::string list(const Presence& present) {
  constexpr int kMaximumListed = 8;
  std::string text;
  int listed = 0;
  for (int value = 0; value < 256; ++value) {
    if (present[value]) {
      if (listed++ == kMaximumListed) {
        return text + ", ...";
      }
      text += (text.empty() ? "" : ", ") + std::to_string(value);
    }
  }
  return text;
}

// `mask` with `object` as kMaskObject and `ignored` as kMaskIgnore (0: nothing is ignored).
cv::Mat one_class(const cv::Mat& mask, int object, int ignored) {
  cv::Mat table(1, 256, CV_8UC1, cv::Scalar(kMaskBackground));
  if (ignored != 0) {
    table.at<std::uint8_t>(ignored) = kMaskIgnore;
  }
  table.at<std::uint8_t>(object) = kMaskObject;
  cv::Mat result;
  cv::LUT(mask, table, result);
  return result;
}

Error empty(const std::string& file, const std::string& found) {
  return Error(ErrorCode::kInvalidValue,
               file + " labels nothing: it holds only " + found + ", expected some object pixels");
}

LabelledMask read_binary(const cv::Mat& mask, const Presence& present, const std::string& file,
                         const std::string& class_name) {
  for (int value = 2; value < 255; ++value) {
    if (present[value]) {
      throw Error(ErrorCode::kInvalidValue,
                  file + " holds the values " + list(present) +
                      ", expected 0 and 1 or 0 and 255 for one class, or a classes.txt in its "
                      "folder that names the indices");
    }
  }
  if (!present[1] && !present[255]) {
    throw empty(file, "0");
  }
  return {.class_name = class_name,
          .mask = present[1] ? one_class(mask, 1, 255) : one_class(mask, 255, 0)};
}

std::vector<LabelledMask> read_indices(const cv::Mat& mask, const Presence& present,
                                       const std::string& file,
                                       const std::vector<std::string>& index_names) {
  std::vector<LabelledMask> masks;
  for (int index = 1; index < 255; ++index) {
    if (!present[index]) {
      continue;
    }
    if (index >= static_cast<int>(index_names.size()) || index_names[index].empty()) {
      throw Error(ErrorCode::kInvalidValue,
                  file + " holds index " + std::to_string(index) +
                      ", which the classes.txt in its folder does not name");
    }
    masks.push_back({.class_name = index_names[index], .mask = one_class(mask, index, 255)});
  }
  if (masks.empty()) {
    throw empty(file, list(present) + " (the classes.txt in its folder makes 255 mean ignore)");
  }
  return masks;
}

}  // namespace

std::vector<LabelledMask> read_support_mask(const std::filesystem::path& file, cv::Size size,
                                            const std::string& class_name,
                                            const std::vector<std::string>& index_names) {
  const cv::Mat mask = read_index(file);
  if (mask.size() != size) {
    throw Error(ErrorCode::kInvalidValue,
                file.string() + " is " + std::to_string(mask.cols) + "x" +
                    std::to_string(mask.rows) + " pixels, expected its image's " +
                    std::to_string(size.width) + "x" + std::to_string(size.height));
  }
  const Presence present = values_in(mask);
  if (index_names.empty()) {
    return {read_binary(mask, present, file.string(), class_name)};
  }
  return read_indices(mask, present, file.string(), index_names);
}

}  // namespace cdfss
