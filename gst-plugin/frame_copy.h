// A frame of one's own: its pixels outlive the buffer that they came in.
#pragma once

#include <cstdint>
#include <vector>

#include "cdfss/image.h"

namespace cdfss {

class FrameCopy {
 public:
  // Copies the pixels, without padding; memory is reused when it is large enough.
  void assign(const ImageView& frame);
  const ImageView& view() const { return view_; }

 private:
  std::vector<std::uint8_t> bytes_;
  ImageView view_;  // of bytes_
};

}  // namespace cdfss
