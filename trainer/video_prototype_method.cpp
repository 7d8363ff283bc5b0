#include "video_prototype_method.h"

#include <ATen/ATen.h>

#include <utility>

#include "cdfss/error.h"
#include "model/prototype_allocation.h"
#include "model/superpixel_clustering.h"
#include "sample_tensor.h"
#include "tensor/image_tensor.h"

namespace cdfss {
namespace {

constexpr int kLayer2 = 2;
constexpr int kLayer3 = 3;

}  // namespace

PrototypeMethod::PrototypeMethod(ResNet backbone, int input_size, Layout layout, at::Device device)
    : backbone_(std::move(backbone)), input_size_(input_size), layout_(layout), device_(device) {
  backbone_->to(device_);
  backbone_->eval();
  backbone_->fold_batch_norm(at::kFloat);
}

at::Tensor PrototypeMethod::features(const cv::Mat& fitted) {
  at::Tensor x = normalise(to_tensor(fitted).unsqueeze(0).to(device_));
  for (int stage = 0; stage < kLayer2; ++stage) x = backbone_->stage(stage, x);
  const at::Tensor layer2 = backbone_->stage(kLayer2, x);
  return at::cat({backbone_->stage(kLayer3, layer2), layer2}, 1);
}

void PrototypeMethod::set_support(const cv::Mat& image, const cv::Mat& label,
                                  const std::string& source) {
  const at::NoGradGuard no_grad;
  const Sample support = fit({image, label}, input_size_, layout_);
  const at::Tensor support_features = features(support.image)[0];
  const at::Tensor small = support_label(to_tensor(support.label)).to(device_);  // [h, h]
  std::vector<at::Tensor> prototypes;
  for (const int value : {1, 0}) {
    const at::Tensor region = small.eq(value).to(at::kFloat);
    if (region.sum().item<float>() == 0) {
      throw Error(ErrorCode::kInvalidValue,
                  source + ": no " + (value == 1 ? "object" : "background") +
                      " pixel is left at input size " + std::to_string(input_size_));
    }
    prototypes.push_back(masked_average(support_features, region));
  }
  prototypes_ = at::cat(prototypes, 1);
}

cv::Mat PrototypeMethod::segment(const ImageView& frame) {
  const at::NoGradGuard no_grad;
  const at::Tensor rgb = to_rgb_tensor(frame);  // [H, W, 3]
  const cv::Mat image(frame.height, frame.width, CV_8UC3, rgb.data_ptr());
  const Sample query = fit({image, cv::Mat::zeros(image.size(), CV_8UC1)}, input_size_, layout_);
  const at::Tensor cosines = prototype_cosines(features(query.image), prototypes_);
  const at::Tensor difference = cosines.narrow(1, 0, 1) - cosines.narrow(1, 1, 1);
  return to_binary_mask(to_image_size(difference, image.size(), layout_)[0][0].gt(0));
}

}  // namespace cdfss
