// Tells where a video cuts to another scene.
#pragma once

#include <array>

#include "cdfss/image.h"

namespace cdfss {

class SceneCut {
 public:
  // Whether the frame belongs to another scene than the one before: the brightness histograms (64
  // bins over some thousand pixels) of the two have less than half in common. The first frame, and
  // one of another size or format, is a cut.
  bool is_cut(const ImageView& frame);

 private:
  static constexpr int kBins = 64;
  std::array<int, kBins> histogram_{};
  int width_ = 0, height_ = 0;
  PixelFormat format_ = PixelFormat::kRgb;
};

}  // namespace cdfss
