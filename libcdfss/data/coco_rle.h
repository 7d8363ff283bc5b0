// COCO's run-length masks: lengths of alternating runs of 0 and 1, beginning with 0, down the
// columns.
#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <opencv2/core/types.hpp>
#include <string>
#include <vector>

namespace cdfss {

// Run lengths from the text form: each number is written in groups of 5 bits, least first, as the
// character 48 + group (+ 32 if more groups follow), its sign in the last group's bit 4; from the
// fourth on, a number is the difference to the one two before it. Throws Error(kInvalidValue)
// saying what is wrong, `where` in front.
std::vector<std::uint32_t> decode_coco_runs(const std::string& text, const std::string& where);

// Throws Error(kInvalidValue) if the runs do not add up to the pixels of a mask of that size.
void check_coco_runs(const std::vector<std::uint32_t>& runs, cv::Size size,
                     const std::string& where);

// Sets the runs of 1 to `value` in `mask`, CV_8UC1; the runs are checked against its size.
void fill_coco_runs(cv::Mat& mask, const std::vector<std::uint32_t>& runs, int value);

}  // namespace cdfss
