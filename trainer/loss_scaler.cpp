#include "loss_scaler.h"

#include <ATen/ATen.h>

#include "cdfss/error.h"

namespace cdfss {
namespace {

constexpr double kFirstScale = 65536;
constexpr double kGrowth = 2, kBackoff = 0.5;
constexpr int kGrowthInterval = 2000;  // steps

constexpr const char* kScale = "loss_scaler.scale";
constexpr const char* kGoodSteps = "loss_scaler.good_steps";

}  // namespace

LossScaler::LossScaler(at::Device device)
    : scale_(at::full({1}, kFirstScale, at::TensorOptions(device).dtype(at::kFloat))),
      good_steps_(at::zeros({1}, at::TensorOptions(device).dtype(at::kInt))) {}

at::Tensor LossScaler::scaled(const at::Tensor& loss) const { return loss * scale_.squeeze(0); }

bool LossScaler::unscale(const std::vector<at::Tensor>& gradients) {
  at::Tensor overflow = at::zeros_like(scale_);
  at::_amp_foreach_non_finite_check_and_unscale_(gradients, overflow, scale_.reciprocal());
  at::_amp_update_scale_(scale_, good_steps_, overflow, kGrowth, kBackoff, kGrowthInterval);
  return overflow.item<float>() == 0;
}

std::map<std::string, at::Tensor> LossScaler::state() const {
  return {{kScale, scale_}, {kGoodSteps, good_steps_.to(at::kLong)}};
}

void LossScaler::set_state(const std::map<std::string, at::Tensor>& state,
                           const std::string& source) {
  const auto entry = [&](const char* name, at::ScalarType type) {
    const auto found = state.find(name);
    if (found == state.end() || found->second.scalar_type() != type || found->second.numel() != 1 ||
        !(found->second.item<double>() >= 0)) {
      throw Error(ErrorCode::kBadModel, source + ": \"" + name + "\" is missing or malformed");
    }
    return found->second;
  };
  const at::Tensor scale = entry(kScale, at::kFloat), good_steps = entry(kGoodSteps, at::kLong);
  if (!(scale.item<double>() > 0) || !at::isfinite(scale).item<bool>()) {
    throw Error(ErrorCode::kBadModel, source + ": \"" + kScale + "\" is no scale");
  }
  scale_.copy_(scale.view({1}));
  good_steps_.copy_(good_steps.view({1}));
}

}  // namespace cdfss
