// Two banks of N channel vectors, one of means and one of standard deviations, that live through
// the source training. A lookup compares an instance's own statistics with every stored vector; an
// update pulls stored vectors towards the statistics of a batch.
#include "model/meta_memory.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <string>

#include "cdfss/error.h"
#include "tensor/pairwise_cosine.h"

namespace cdfss {
namespace {

constexpr double kStyleEpsilon = 1e-6;

void require(bool ok, const std::string& message) {
  if (!ok) throw Error(ErrorCode::kInvalidValue, "meta-memory: " + message);
}

std::string shape_of(const at::Tensor& tensor) {
  std::string text = "[";
  for (const int64_t size : tensor.sizes()) {
    text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  }
  return text + "]";
}

at::Tensor similarity(const at::Tensor& a, const at::Tensor& b) {
  return pairwise_cosine(a, b).clamp_min(0);
}

// [B, C] per-channel values to the shape and dtype that broadcast over `features`.
at::Tensor over_pixels(const at::Tensor& values, const at::Tensor& features) {
  return values.to(features.scalar_type()).unsqueeze(2).unsqueeze(3);
}

}  // namespace

Style style_of(const at::Tensor& features) {
  require(features.dim() == 4 && features.size(2) > 0 && features.size(3) > 0,
          "features are " + shape_of(features) + ", expected [B, C, H, W] with pixels");
  const at::NoGradGuard no_grad;
  const bool half = features.is_floating_point() && features.element_size() < 4;
  const auto dtype = half ? at::kFloat : features.scalar_type();
  // In two passes: at::var_mean takes ten times as long on a CPU.
  const auto mean = features.mean({2, 3}, /*keepdim=*/true, dtype);
  const auto variance = (features - mean).square_().mean({2, 3});
  return {mean.flatten(1), (variance + kStyleEpsilon).sqrt()};
}

MetaMemoryImpl::MetaMemoryImpl(const MetaMemoryOptions& options) : options_(options) {
  require(options.channels >= 1, "channels " + std::to_string(options.channels) + " is below 1");
  require(options.slots >= 1, "slots " + std::to_string(options.slots) + " is below 1");
  require(options.retention >= 0 && options.retention <= 1,
          "retention " + std::to_string(options.retention) + " is outside 0..1");
  require(options.momentum >= 0 && options.momentum <= 1,
          "momentum " + std::to_string(options.momentum) + " is outside 0..1");
  require(options.dead_after >= 1,
          "dead_after " + std::to_string(options.dead_after) + " is below 1");
  const bool random = options.init == MemoryInit::kRandom;
  const auto bank = [&] {
    return random ? at::rand({options.slots, options.channels})
                  : at::zeros({options.slots, options.channels});
  };
  mean_ = register_parameter("mean", bank());
  std_ = register_parameter("std", bank());
  filled_ = register_buffer("filled", at::full({}, random ? options.slots : 0, at::kLong));
  idle_ = register_buffer("idle", at::zeros({2, options.slots}, at::kLong));
}

int64_t MetaMemoryImpl::filled_slots() const { return filled_.item<int64_t>(); }

void MetaMemoryImpl::check_style(const Style& style) const {
  for (const auto& [values, name] : {std::pair{&style.mean, "mean"}, {&style.std, "std"}}) {
    require(values->dim() == 2 && values->size(1) == options_.channels,
            std::string("the style's ") + name + " is " + shape_of(*values) + ", expected [B, " +
                std::to_string(options_.channels) + "]");
  }
  require(style.mean.size(0) == style.std.size(0),
          "a style of " + std::to_string(style.mean.size(0)) + " means and " +
              std::to_string(style.std.size(0)) + " stds");
}

std::pair<at::Tensor, at::Tensor> MetaMemoryImpl::pick_slots(const Style& style, Pick pick) const {
  check_style(style);
  const at::NoGradGuard no_grad;
  const bool lowest = pick == Pick::kLowest;
  // Compared on the device: reading the count would make every frame wait for it.
  const auto free = at::arange(options_.slots, filled_.options()) >= filled_;  // [N]
  const double never = (lowest ? 1 : -1) * std::numeric_limits<double>::infinity();
  const auto pick_from = [&](const at::Tensor& values, const at::Tensor& bank) {
    const auto scores =
        similarity(values, bank.to(values.scalar_type())).masked_fill(free, never);  // [B, N]
    return lowest ? scores.argmin(1) : scores.argmax(1);
  };
  return {pick_from(style.mean, mean_), pick_from(style.std, std_)};
}

at::Tensor MetaMemoryImpl::enhance(const at::Tensor& features, Pick pick) const {
  at::Tensor scale, shift;
  {
    const at::NoGradGuard no_grad;
    const auto style = style_of(features);
    const auto [mean_slot, std_slot] = pick_slots(style, pick);
    const auto dtype = style.mean.scalar_type();
    // An empty memory has no share in the style: the scale is then exactly 1 and the shift 0.
    const auto share = (filled_ > 0).to(dtype) * (1 - options_.retention);
    const auto mix = [&](const at::Tensor& own, const at::Tensor& bank, const at::Tensor& slot) {
      return at::lerp(own, bank.index_select(0, slot).to(dtype), share);
    };
    const auto mixed_mean = mix(style.mean, mean_, mean_slot);
    const auto mixed_std = mix(style.std, std_, std_slot);
    // (x - mean) / std * mixed_std + mixed_mean in one pass over the pixels.
    const auto ratio = mixed_std / style.std;
    scale = over_pixels(ratio, features);
    shift = over_pixels(mixed_mean - style.mean * ratio, features);
  }
  return at::addcmul(shift, features, scale);
}

void MetaMemoryImpl::commit(const Style& style) {
  check_style(style);
  const at::NoGradGuard no_grad;
  require(at::isfinite(style.mean).all().item<bool>() && at::isfinite(style.std).all().item<bool>(),
          "the style to commit holds values that are not finite; has the training diverged?");
  const auto means = style.mean.to(mean_.options());
  const auto stds = style.std.to(std_.options());
  const int64_t batch = means.size(0);
  const int64_t filled = filled_slots();
  const int64_t taken = std::min(batch, options_.slots - filled);
  if (taken > 0) {
    mean_.narrow(0, filled, taken).copy_(means.narrow(0, 0, taken));
    std_.narrow(0, filled, taken).copy_(stds.narrow(0, 0, taken));
    filled_.fill_(filled + taken);
  }
  if (const int64_t rest = batch - taken; rest > 0) {
    const auto rest_means = means.narrow(0, taken, rest);
    const auto rest_stds = stds.narrow(0, taken, rest);
    if (options_.update == MemoryUpdate::kNearest) {
      update_nearest(mean_, idle_.select(0, 0), rest_means);
      update_nearest(std_, idle_.select(0, 1), rest_stds);
    } else {
      update_paper(mean_, rest_means);
      update_paper(std_, rest_stds);
    }
  }
  mean_.clamp_min_(0);
  std_.clamp_min_(0);
}

void MetaMemoryImpl::update_nearest(at::Tensor bank, at::Tensor idle,
                                    const at::Tensor& styles) const {
  const auto [best, slot] = similarity(styles, bank).max(1);                       // [B] each
  const auto assigned = at::one_hot(slot, options_.slots).to(bank.scalar_type());  // [B, N]
  const auto count = assigned.sum(0).unsqueeze(1);                                 // [N, 1]
  const auto average = at::matmul(assigned.t(), styles) / count.clamp_min(1);      // [N, C]
  const auto moved = options_.momentum * bank + (1 - options_.momentum) * average;
  bank.copy_(at::where(count > 0, moved, bank));

  idle.add_(1).masked_fill_(count.squeeze(1) > 0, 0);
  const int64_t longest = idle.argmax().item<int64_t>();
  if (idle[longest].item<int64_t>() >= options_.dead_after) {
    bank[longest].copy_(styles[best.argmin().item<int64_t>()]);
    idle[longest] = 0;
  }
}

void MetaMemoryImpl::update_paper(at::Tensor bank, const at::Tensor& styles) const {
  const auto scores = similarity(bank, styles);  // [N, B]
  const auto weights = scores / scores.sum(1, /*keepdim=*/true).clamp_min(1e-12);
  bank.copy_(options_.momentum * bank + (1 - options_.momentum) * at::matmul(weights, styles));
}

at::Tensor MetaMemoryImpl::orthogonal_loss(bool diagonal) const {
  const int64_t filled = filled_slots();
  if (filled == 0) return at::zeros({}, mean_.options().requires_grad(false));
  at::Tensor sum;
  for (const auto& bank : {mean_, std_}) {
    const auto slots = bank.narrow(0, 0, filled);
    auto scores = similarity(slots, slots);
    if (!diagonal) scores = scores - scores.diag().diag();
    sum = sum.defined() ? sum + scores.sum() : scores.sum();
  }
  return sum / static_cast<double>(2 * filled * filled);
}

double MetaMemoryImpl::slot_cosine() const {
  const int64_t filled = filled_slots();
  if (filled < 2) return 0;
  const at::NoGradGuard no_grad;
  const auto slots = mean_.narrow(0, 0, filled);
  const auto scores = pairwise_cosine(slots, slots);
  const double different = (scores.sum() - scores.diag().sum()).item<double>();
  return different / static_cast<double>(filled * (filled - 1));
}

}  // namespace cdfss
