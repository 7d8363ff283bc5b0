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

// A draw for each of `count` instances from normal distributions with the mean and standard
// deviation that the bank's filled slots have in each channel: [count, C], not below 0.
at::Tensor noise_like(const at::Tensor& bank, const at::Tensor& filled, int64_t count) {
  const auto in_use =
      (at::arange(bank.size(0), filled.options()) < filled).to(bank.scalar_type()).unsqueeze(1);
  const auto slots = in_use.sum().clamp_min(1);
  const auto mean = (bank * in_use).sum(0) / slots;                        // [C]
  const auto variance = ((bank - mean).square() * in_use).sum(0) / slots;  // [C]
  const auto draw = at::randn({count, bank.size(1)}, bank.options().requires_grad(false));
  return (mean + variance.sqrt() * draw).clamp_min(0);
}

}  // namespace

MetaMemoryImpl::MetaMemoryImpl(const MetaMemoryOptions& options) : options_(options) {
  require(options.channels >= 1, "channels " + std::to_string(options.channels) + " is below 1");
  require(options.slots >= 1, "slots " + std::to_string(options.slots) + " is below 1");
  require(options.retention >= 0 && options.retention <= 1,
          "retention " + std::to_string(options.retention) + " is outside 0..1");
  require(options.momentum >= 0 && options.momentum <= 1,
          "momentum " + std::to_string(options.momentum) + " is outside 0..1");
  require(options.dead_after >= 1,
          "dead_after " + std::to_string(options.dead_after) + " is below 1");
  require(options.probability >= 0 && options.probability <= 1,
          "probability " + std::to_string(options.probability) + " is outside 0..1");
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

Style MetaMemoryImpl::look_up(const Style& own, Pick pick) const {
  const auto dtype = own.mean.scalar_type();
  if (options_.lookup == MemoryLookup::kNoise) {
    const int64_t count = own.mean.size(0);
    return {noise_like(mean_, filled_, count).to(dtype),
            noise_like(std_, filled_, count).to(dtype)};
  }
  const auto [mean_slot, std_slot] = pick_slots(own, pick);
  return {mean_.index_select(0, mean_slot).to(dtype), std_.index_select(0, std_slot).to(dtype)};
}

// How much of the mixed style comes from the memory: [] or [B, 1]. Nothing from an empty memory:
// the scale is then exactly 1 and the shift 0.
at::Tensor MetaMemoryImpl::share_of_memory(const Style& own) const {
  const auto options = own.mean.options();
  const auto in_use = (filled_ > 0).to(own.mean.scalar_type());
  if (!is_training()) return in_use * (1 - options_.retention);
  const int64_t count = own.mean.size(0);
  at::Tensor share = in_use * (1 - options_.retention);
  if (options_.beta_retention) share = in_use * (1 - beta_draw(count, options));
  if (options_.probability < 1) {
    share = share * (at::rand({count, 1}, options) < options_.probability).to(options.dtype());
  }
  return share;
}

at::Tensor MetaMemoryImpl::enhance(const at::Tensor& features, Pick pick) const {
  return enhance(features, style_of(features), pick);
}

at::Tensor MetaMemoryImpl::enhance(const at::Tensor& features, const Style& own, Pick pick) const {
  Style mixed;
  {
    const at::NoGradGuard no_grad;
    check_style(own);
    const Style stored = look_up(own, pick);
    const auto share = share_of_memory(own);
    mixed = {at::lerp(own.mean, stored.mean, share), at::lerp(own.std, stored.std, share)};
  }
  return restyle(features, own, mixed);
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
