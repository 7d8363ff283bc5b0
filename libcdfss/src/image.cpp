#include "cdfss/image.h"

#include <string>

#include "cdfss/error.h"

namespace cdfss {

int plane_count(PixelFormat format) {
  switch (format) {
    case PixelFormat::kNv12:
      return 2;
    case PixelFormat::kI420:
      return 3;
    default:
      return 1;
  }
}

int bytes_per_pixel(PixelFormat format) {
  switch (format) {
    case PixelFormat::kRgb:
    case PixelFormat::kBgr:
      return 3;
    case PixelFormat::kNv12:
    case PixelFormat::kI420:
      return 0;
    default:
      return 4;
  }
}

void validate(const ImageView& view) {
  if (view.width < 1 || view.height < 1) {
    throw Error(ErrorCode::kInvalidValue, "image is " + std::to_string(view.width) + "x" +
                                              std::to_string(view.height) +
                                              ", expected at least 1x1 pixels");
  }
  const int chroma_width = (view.width + 1) / 2;
  for (int plane = 0; plane < plane_count(view.format); ++plane) {
    if (view.planes[plane] == nullptr) {
      throw Error(ErrorCode::kInvalidValue, "image plane " + std::to_string(plane) + " is null");
    }
    int row = view.width * bytes_per_pixel(view.format);
    if (view.format == PixelFormat::kNv12) {
      row = plane == 0 ? view.width : 2 * chroma_width;
    } else if (view.format == PixelFormat::kI420) {
      row = plane == 0 ? view.width : chroma_width;
    }
    if (view.strides[plane] < row) {
      throw Error(ErrorCode::kInvalidValue, "image plane " + std::to_string(plane) +
                                                " has a stride of " +
                                                std::to_string(view.strides[plane]) +
                                                " bytes, a row needs " + std::to_string(row));
    }
  }
}

}  // namespace cdfss
