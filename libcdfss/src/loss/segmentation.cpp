#include "loss/segmentation.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <string>

#include "cdfss/error.h"
#include "tensor/image_tensor.h"

namespace cdfss {
namespace {

constexpr int64_t kIgnored = 255;

void check_labels(const at::Tensor& labels, const at::Tensor& logits) {
  if (labels.dim() != 3 || labels.scalar_type() != at::kLong || logits.dim() != 4 ||
      labels.size(0) != logits.size(0)) {
    throw Error(ErrorCode::kInvalidValue,
                "segmentation_loss: expected labels int64 [B, S, S] and logits [B, 2, h, w]");
  }
  // Another value would count as neither.
  const auto known = labels.eq(0).logical_or_(labels.eq(1)).logical_or_(labels.eq(kIgnored));
  if (!known.all().item<bool>()) {
    const auto offender = labels.masked_select(known.logical_not())[0].item<int64_t>();
    throw Error(ErrorCode::kInvalidValue,
                "segmentation_loss: label " + std::to_string(offender) + ", expected 0, 1 or 255");
  }
}

// What the logits are compared with, all [B, S, S] and of the logits' dtype.
struct Targets {
  at::Tensor foreground;  // 1 or 0
  at::Tensor weights;     // 0 where ignored
};

Targets targets_of(const at::Tensor& labels, double foreground_weight, at::ScalarType dtype) {
  const at::Tensor foreground = labels.eq(1).to(dtype);
  return {foreground, foreground * foreground_weight + labels.eq(0).to(dtype)};
}

// Bilinear resizing of an axis with aligned corners, as a matrix [to, from].
at::Tensor resizing(std::int64_t from, std::int64_t to, const at::TensorOptions& options) {
  const at::Tensor identity = at::eye(from, options).unsqueeze(0).unsqueeze(0);
  return resize_align_corners(identity, static_cast<int>(to), static_cast<int>(from))
      .squeeze(0)
      .squeeze(0);
}

// x [B, h, w] -> [B, height, width], bilinear with aligned corners. As two products, whose gradient
// is two products; upsample_bilinear2d's adds pixel by pixel, and on CUDA in no fixed order.
at::Tensor resized(const at::Tensor& x, std::int64_t height, std::int64_t width) {
  // Which would take products in half precision, but resizing as it is.
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const auto options = x.options().requires_grad(false);
  const at::Tensor wide = x.matmul(resizing(x.size(2), width, options).t());
  return resizing(x.size(1), height, options).matmul(wide);
}

// Of two classes, which depends only on the margin of the foreground's logit over the background's.
at::Tensor cross_entropy(const at::Tensor& logits, const Targets& targets,
                         const at::Tensor& total_weight) {
  const at::Tensor margin = logits.select(1, 1) - logits.select(1, 0);
  const at::Tensor full = resized(margin, targets.weights.size(1), targets.weights.size(2));
  // Summed and divided here: the mean over no valid pixel would be NaN.
  return at::binary_cross_entropy_with_logits(full, targets.foreground, targets.weights, {},
                                              at::Reduction::Sum) /
         total_weight;
}

}  // namespace

at::Tensor total_pixel_weight(const at::Tensor& labels, double foreground_weight) {
  const auto foreground = labels.eq(1).sum();
  const auto background = labels.eq(0).sum();
  return (background + foreground * foreground_weight).to(at::kFloat);
}

SegmentationLoss segmentation_loss(const Enriched& output, const at::Tensor& labels,
                                   double foreground_weight) {
  const auto weight = total_pixel_weight(labels, foreground_weight);
  return segmentation_loss(output, labels, foreground_weight, at::where(weight.gt(0), weight, 1.0));
}

SegmentationLoss segmentation_loss(const Enriched& output, const at::Tensor& labels,
                                   double foreground_weight, const at::Tensor& total_weight) {
  check_labels(labels, output.logits);
  const auto options = output.logits.options().requires_grad(false);
  const Targets targets = targets_of(labels, foreground_weight, output.logits.scalar_type());
  SegmentationLoss loss;
  loss.main = cross_entropy(output.logits, targets, total_weight);
  loss.auxiliary = at::zeros({}, options);
  for (const auto& inner : output.inner) {
    loss.auxiliary = loss.auxiliary + cross_entropy(inner, targets, total_weight);
  }
  if (!output.inner.empty())
    loss.auxiliary = loss.auxiliary / static_cast<double>(output.inner.size());
  return loss;
}

}  // namespace cdfss
