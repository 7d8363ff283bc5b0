#include "optimiser.h"

#include <ATen/ATen.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "cdfss/error.h"

namespace cdfss {
namespace {

using torch::optim::OptimizerOptions;
using torch::optim::OptimizerParamGroup;

std::unique_ptr<OptimizerOptions> group_options(const OptimiserOptions& options,
                                                double weight_decay) {
  if (options.kind == OptimiserKind::kSgd) {
    return std::make_unique<torch::optim::SGDOptions>(
        torch::optim::SGDOptions(options.learning_rate)
            .momentum(options.momentum)
            .weight_decay(weight_decay));
  }
  return std::make_unique<torch::optim::AdamWOptions>(
      torch::optim::AdamWOptions(options.learning_rate).weight_decay(weight_decay));
}

using torch::optim::AdamWParamState;
using torch::optim::SGDParamState;

// The state's tensors, by what they are called in a file.
std::map<std::string, at::Tensor> parts_of(const torch::optim::OptimizerParamState& state,
                                           OptimiserKind kind) {
  if (kind == OptimiserKind::kSgd) {
    const at::Tensor& momentum = static_cast<const SGDParamState&>(state).momentum_buffer();
    if (!momentum.defined()) return {};
    return {{"momentum", momentum}};
  }
  const auto& adam = static_cast<const AdamWParamState&>(state);
  return {{"exp_avg", adam.exp_avg()},
          {"exp_avg_sq", adam.exp_avg_sq()},
          {"step", at::scalar_tensor(adam.step(), at::kLong)}};
}

// The reverse, for a parameter: its layout in memory, so that sums round as they would have.
std::unique_ptr<torch::optim::OptimizerParamState> state_from(
    const std::map<std::string, at::Tensor>& parts, const at::Tensor& parameter,
    OptimiserKind kind) {
  const auto like_parameter = [&](const char* part) {
    return at::empty_like(parameter, parameter.options().requires_grad(false))
        .copy_(parts.at(part));
  };
  if (kind == OptimiserKind::kSgd) {
    auto state = std::make_unique<SGDParamState>();
    state->momentum_buffer(like_parameter("momentum"));
    return state;
  }
  auto state = std::make_unique<AdamWParamState>();
  state->exp_avg(like_parameter("exp_avg"));
  state->exp_avg_sq(like_parameter("exp_avg_sq"));
  state->step(parts.at("step").item<std::int64_t>());
  return state;
}

void check_part(const std::string& name, const at::Tensor& part, const at::Tensor& parameter,
                const std::string& source) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorCode::kBadModel, source + ": tensor \"" + name + "\" " + what);
  };
  if (name.ends_with(".step")) {
    if (part.scalar_type() != at::kLong || part.dim() != 0 || part.item<std::int64_t>() < 1) {
      refuse("is not a count of steps");
    }
    return;
  }
  if (part.scalar_type() != at::kFloat || part.sizes() != parameter.sizes()) {
    refuse(c10::str("is ", part.scalar_type(), " ", part.sizes(), ", expected Float ",
                    parameter.sizes()));
  }
  if (!at::isfinite(part).all().item<bool>()) refuse("has values that are not finite");
}

double schedule_factor(Schedule schedule, double progress) {
  return schedule == Schedule::kPoly ? std::pow(1 - progress, 0.9)
                                     : 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

}  // namespace

class Optimiser::Impl {
 public:
  struct Group {
    std::vector<std::string> names;  // of the parameters
    std::vector<at::Tensor> parameters;
    double learning_rate;
    double weight_decay;
  };

  Impl(std::vector<Group> groups, const OptimiserOptions& options)
      : kind_(options.kind), groups_(std::move(groups)) {
    std::vector<OptimizerParamGroup> native;
    for (const Group& group : groups_) {
      native.emplace_back(group.parameters, group_options(options, group.weight_decay));
    }
    if (options.kind == OptimiserKind::kSgd) {
      optimizer_ = std::make_unique<torch::optim::SGD>(
          native, torch::optim::SGDOptions(options.learning_rate));
    } else {
      optimizer_ = std::make_unique<torch::optim::AdamW>(
          native, torch::optim::AdamWOptions(options.learning_rate));
    }
  }

  void scale_learning_rates(double factor) {
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      optimizer_->param_groups()[i].options().set_lr(groups_[i].learning_rate * factor);
    }
  }
  torch::optim::Optimizer& native() { return *optimizer_; }

  std::vector<at::Tensor> gradients() const {
    std::vector<at::Tensor> all;
    for (const Group& group : groups_) {
      for (const at::Tensor& parameter : group.parameters) {
        if (parameter.grad().defined()) all.push_back(parameter.grad());
      }
    }
    return all;
  }

  std::map<std::string, at::Tensor> state() {
    std::map<std::string, at::Tensor> all;
    for (const auto& [name, parameter] : named_parameters()) {
      const auto state = optimizer_->state().find(parameter.unsafeGetTensorImpl());
      if (state == optimizer_->state().end()) continue;
      for (const auto& [part, tensor] : parts_of(*state->second, kind_)) {
        all[name + "." + part] = tensor;
      }
    }
    return all;
  }

  void set_state(const std::map<std::string, at::Tensor>& all, const std::string& source) {
    const std::map<std::string, at::Tensor> parameters = named_parameters();
    std::map<std::string, std::map<std::string, at::Tensor>> parts_of_parameter;
    for (const auto& [name, tensor] : all) {
      if (is_loss_scaler_state(name)) continue;
      const std::size_t dot = name.rfind('.');
      const auto parameter = parameters.find(name.substr(0, dot));
      const std::string part = dot == std::string::npos ? "" : name.substr(dot + 1);
      const bool known = kind_ == OptimiserKind::kSgd
                             ? part == "momentum"
                             : part == "exp_avg" || part == "exp_avg_sq" || part == "step";
      if (parameter == parameters.end() || !known) {
        throw Error(ErrorCode::kBadModel,
                    source + ": tensor \"" + name + "\" is none of this optimiser");
      }
      check_part(name, tensor, parameter->second, source);
      parts_of_parameter[parameter->first][part] = tensor;
    }
    const std::size_t expected = kind_ == OptimiserKind::kSgd ? 1 : 3;
    for (const auto& [name, parts] : parts_of_parameter) {
      if (parts.size() != expected) {
        throw Error(ErrorCode::kBadModel,
                    source + ": the optimiser's state of \"" + name + "\" is not complete");
      }
    }
    const at::NoGradGuard no_grad;
    for (const auto& [name, parts] : parts_of_parameter) {
      const at::Tensor& parameter = parameters.at(name);
      optimizer_->state()[parameter.unsafeGetTensorImpl()] = state_from(parts, parameter, kind_);
    }
  }

 private:
  std::map<std::string, at::Tensor> named_parameters() const {
    std::map<std::string, at::Tensor> all;
    for (const Group& group : groups_) {
      for (std::size_t i = 0; i < group.names.size(); ++i) {
        all.emplace(group.names[i], group.parameters[i]);
      }
    }
    return all;
  }

  OptimiserKind kind_;
  std::vector<Group> groups_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

Optimiser::Optimiser(Asgnet& network, const OptimiserOptions& options) : options_(options) {
  const double decoder_rate = options.learning_rate * options.scale;
  Impl::Group decoder{{}, {}, decoder_rate, options.weight_decay};
  Impl::Group scalars{{}, {}, decoder_rate, 0};
  Impl::Group reduction{{}, {}, decoder_rate * options.reduction_scale, options.weight_decay};
  Impl::Group memory{{}, {}, options.learning_rate, 0};
  Impl::Group backbone{{}, {}, options.backbone_learning_rate, options.weight_decay};
  for (const auto& item : network->named_parameters()) {
    const std::string& name = item.key();
    at::Tensor parameter = item.value();
    // The backbone's stages carry their released names, without a common prefix.
    const bool in_backbone = name.starts_with("layer");
    parameter.set_requires_grad(!in_backbone || options.train_backbone);
    Impl::Group& group = in_backbone                      ? backbone
                         : name.starts_with("memory.")    ? memory
                         : name.starts_with("down_conv.") ? reduction
                         : parameter.dim() == 0           ? scalars
                                                          : decoder;
    group.names.push_back(name);
    group.parameters.push_back(parameter);
  }
  std::vector<Impl::Group> groups;
  for (const Impl::Group& group : {decoder, scalars, reduction, memory}) {
    if (!group.parameters.empty()) groups.push_back(group);
  }
  if (options.train_backbone) groups.push_back(backbone);
  impl_ = std::make_unique<Impl>(std::move(groups), options);
  if (options.scale_loss) scaler_.emplace(network->parameters().front().device());
}

Optimiser::~Optimiser() = default;

void Optimiser::set_step(int step, int steps) {
  const double warm =
      options_.warmup > 0 ? std::min(1.0, static_cast<double>(step) / options_.warmup) : 1.0;
  const double factor =
      warm * schedule_factor(options_.schedule, static_cast<double>(step) / steps);
  impl_->scale_learning_rates(factor);
  decoder_rate_ = options_.learning_rate * options_.scale * factor;
}

void Optimiser::zero_grad() { impl_->native().zero_grad(); }

at::Tensor Optimiser::scaled(const at::Tensor& loss) const {
  return scaler_ ? scaler_->scaled(loss) : loss;
}

bool Optimiser::step() {
  if (scaler_ && !scaler_->unscale(impl_->gradients())) return false;
  impl_->native().step();
  return true;
}

std::map<std::string, at::Tensor> Optimiser::state() const {
  std::map<std::string, at::Tensor> all = impl_->state();
  if (scaler_) all.merge(scaler_->state());
  return all;
}

void Optimiser::set_state(const std::map<std::string, at::Tensor>& state,
                          const std::string& source) {
  if (scaler_) scaler_->set_state(state, source);
  impl_->set_state(state, source);
}

}  // namespace cdfss
