#include "sample_tensor.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "tensor/image_tensor.h"

namespace cdfss {

at::Tensor to_tensor(const cv::Mat& image) {
  const cv::Mat whole = image.isContinuous() ? image : image.clone();
  std::vector<std::int64_t> shape{whole.rows, whole.cols};
  if (whole.channels() > 1) shape.push_back(whole.channels());
  return at::from_blob(whole.data, shape, at::kByte).clone();
}

at::Tensor to_image_size(const at::Tensor& maps, cv::Size size, Layout layout) {
  if (layout == Layout::kStretch) return resize_align_corners(maps, size.height, size.width);
  const int side = std::max(size.width, size.height);
  return resize_align_corners(maps, side, side).slice(2, 0, size.height).slice(3, 0, size.width);
}

cv::Mat to_binary_mask(const at::Tensor& condition) {
  const at::Tensor bytes = condition.ne(0).to(at::kCPU, at::kByte).contiguous();
  return cv::Mat(static_cast<int>(bytes.size(0)), static_cast<int>(bytes.size(1)), CV_8UC1,
                 bytes.data_ptr<std::uint8_t>())
      .clone();
}

}  // namespace cdfss
