#include "mask_from_logits.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "tensor/image_tensor.h"

namespace cdfss {
namespace {

constexpr float kSurest = 30.0F;  // logit; a probability of 0 or 1 would make a mean infinite

// Least logit whose sigmoid reaches the threshold: +-infinity at 1 and 0.
float logit(float threshold) { return std::log(threshold) - std::log1p(-threshold); }

// `best` holds the logit of each pixel's class.
void measure(const std::vector<std::string>& names, const float* best, Mask& mask) {
  struct Box {
    int left, top, right, bottom;
  };
  std::vector<std::int64_t> areas(names.size(), 0);
  std::vector<Box> boxes(names.size(), Box{mask.width, mask.height, -1, -1});
  std::vector<double> logits(names.size(), 0);
  const std::uint8_t* pixel = mask.classes.data();
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x, ++pixel, ++best) {
      if (*pixel == 0) continue;
      ++areas[*pixel - 1];
      logits[*pixel - 1] += std::clamp(*best, -kSurest, kSurest);
      Box& box = boxes[*pixel - 1];
      box = {std::min(box.left, x), std::min(box.top, y), std::max(box.right, x), y};
    }
  }
  mask.regions.resize(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    ClassRegion& region = mask.regions[i];
    region = {.name = names[i], .area = areas[i]};
    if (areas[i] == 0) continue;
    region.x = boxes[i].left;
    region.y = boxes[i].top;
    region.width = boxes[i].right - boxes[i].left + 1;
    region.height = boxes[i].bottom - boxes[i].top + 1;
    const double mean = logits[i] / static_cast<double>(areas[i]);
    region.score = static_cast<float>(1 / (1 + std::exp(-mean)));
  }
}

}  // namespace

void mask_from_logits(const at::Tensor& logits, float threshold,
                      const std::vector<std::string>& names, int width, int height,
                      bool with_probabilities, Mask& mask) {
  mask.width = width;
  mask.height = height;
  mask.classes.resize(static_cast<std::size_t>(width) * height);
  at::Tensor classes = at::from_blob(mask.classes.data(), {height, width}, at::kByte);
  const std::int64_t count = logits.size(0);
  mask.probabilities.clear();
  if (with_probabilities) mask.probabilities.resize(mask.classes.size() * count);
  // One class at a time: all of them at the size of an 8K frame take gigabytes.
  at::Tensor best;  // [height, width]
  for (std::int64_t i = 0; i < count; ++i) {
    const at::Tensor sized =
        resize_align_corners(logits.narrow(0, i, 1).unsqueeze(0), height, width)[0][0];
    if (with_probabilities) {
      at::from_blob(mask.probabilities.data() + i * sized.numel(), sized.sizes(), at::kFloat)
          .copy_(sized.sigmoid());
    }
    if (i == 0) {
      best = sized;
      classes.fill_(1);
    } else {
      classes.masked_fill_(sized.gt(best), i + 1);
      best = at::maximum(best, sized);
    }
  }
  classes.mul_(best.ge(logit(threshold)));
  best = best.contiguous();
  measure(names, best.const_data_ptr<float>(), mask);
}

}  // namespace cdfss
