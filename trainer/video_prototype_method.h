// The training-free baseline: a pixel is the object's if it is nearer to the object's mean feature
// than to the background's.
#pragma once

#include "data/augmentation.h"
#include "model/resnet.h"
#include "video_method.h"

namespace cdfss {

// Features are layer2 and layer3 of an ImageNet backbone, concatenated (1536 channels); the means
// are masked averages over the support's object and background, similarity is the cosine, the
// difference of the two is upsampled to frame size and its sign decides.
class PrototypeMethod : public VideoMethod {
 public:
  // Takes the backbone over and folds its BatchNorm. `input_size`: S in pixels, (S - 1) % 8 == 0.
  PrototypeMethod(ResNet backbone, int input_size, Layout layout, at::Device device);

  // Throws Error(kInvalidValue) when object or background vanishes at feature size.
  void set_support(const cv::Mat& image, const cv::Mat& label, const std::string& source) override;
  cv::Mat segment(const ImageView& frame) override;
  int input_size() const override { return input_size_; }
  std::string device() const override { return device_.str(); }
  std::string precision() const override { return to_string(Precision::kFp32); }

 private:
  at::Tensor features(const cv::Mat& fitted);  // S x S RGB -> [1, 1536, h, h]

  ResNet backbone_;
  int input_size_;
  Layout layout_;
  at::Device device_;
  at::Tensor prototypes_;  // [1536, 2]: foreground, background
};

}  // namespace cdfss
