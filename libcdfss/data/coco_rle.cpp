#include "data/coco_rle.h"

#include <limits>
#include <numeric>

#include "cdfss/error.h"

namespace cdfss {

std::vector<std::uint32_t> decode_coco_runs(const std::string& text, const std::string& where) {
  constexpr int kMore = 32;
  constexpr int kNegative = 16;
  constexpr int kMaximumShift = 30;  // seven groups hold every difference of 32-bit lengths
  std::vector<std::uint32_t> runs;
  std::int64_t number = 0;
  int shift = 0;
  for (std::size_t position = 0; position < text.size(); ++position) {
    const int group = static_cast<unsigned char>(text[position]) - 48;
    if (group < 0 || group > 63 || shift > kMaximumShift) {
      throw Error(ErrorCode::kInvalidValue, where + ": run lengths with a wrong character at " +
                                                std::to_string(position) +
                                                ", expected COCO's compressed form");
    }
    number |= static_cast<std::int64_t>(group & 31) << shift;
    shift += 5;
    if ((group & kMore) != 0) {
      continue;
    }
    if ((group & kNegative) != 0) {
      number -= std::int64_t{1} << shift;
    }
    if (runs.size() > 2) {
      number += runs[runs.size() - 2];
    }
    if (number < 0 || number > std::numeric_limits<std::uint32_t>::max()) {
      throw Error(ErrorCode::kInvalidValue, where + ": run " + std::to_string(runs.size()) +
                                                " is " + std::to_string(number) +
                                                " long, expected 0 or more pixels");
    }
    runs.push_back(static_cast<std::uint32_t>(number));
    number = 0;
    shift = 0;
  }
  if (shift != 0) {
    throw Error(ErrorCode::kInvalidValue, where + ": run lengths that end within a number");
  }
  return runs;
}

void check_coco_runs(const std::vector<std::uint32_t>& runs, cv::Size size,
                     const std::string& where) {
  const auto total = std::accumulate(runs.begin(), runs.end(), std::uint64_t{0});
  const auto expected = static_cast<std::uint64_t>(size.width) * size.height;
  if (total != expected) {
    throw Error(ErrorCode::kInvalidValue, where + ": runs of " + std::to_string(total) +
                                              " pixels, expected " + std::to_string(expected) +
                                              " (" + std::to_string(size.width) + "x" +
                                              std::to_string(size.height) + ")");
  }
}

void fill_coco_runs(cv::Mat& mask, const std::vector<std::uint32_t>& runs, int value) {
  std::size_t pixel = 0;
  for (std::size_t run = 0; run < runs.size(); ++run) {
    const std::size_t end = pixel + runs[run];
    for (; run % 2 == 1 && pixel < end; ++pixel) {
      const auto row = static_cast<int>(pixel % mask.rows);
      const auto column = static_cast<int>(pixel / mask.rows);
      mask.at<std::uint8_t>(row, column) = static_cast<std::uint8_t>(value);
    }
    pixel = end;
  }
}

}  // namespace cdfss
