// What cdfss-bench measures.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cdfss/segmenter.h"
#include "cdfss/support_set.h"

namespace cdfss::bench {

struct Options {
  std::filesystem::path model;
  std::string device = "cpu";
  std::string precision = "auto";
  int input_size = 0;  // 0 = the model's
  int threads = 0;     // 0 = LibTorch's default
  int shots = 1;
  int classes = 1;
  int streams = 1;
  int width = 1920, height = 1080;
  std::string format = "i420";
  int iterations = 20;
  bool with_stages = true;
  std::filesystem::path support;              // empty: a made one
  std::vector<std::filesystem::path> images;  // empty: a made frame
  std::filesystem::path save_masks;           // of `images`; empty: nowhere

  // Throws Error(kInvalidValue) naming an unknown precision or format.
  SegmenterOptions segmenter() const;
  PixelFormat pixel_format() const;
};

// A frame that owns its planes.
struct Frame {
  ImageView view;
  std::vector<std::uint8_t> bytes;
};

// Smooth noise of that size; another `seed`, another picture.
Frame made_frame(int width, int height, PixelFormat format, int seed);
// The support set of `options`: read, or made of discs on noise.
SupportSet support_of(const Options& options);

}  // namespace cdfss::bench
