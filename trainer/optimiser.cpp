#include "optimiser.h"

#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

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

double schedule_factor(Schedule schedule, double progress) {
  return schedule == Schedule::kPoly ? std::pow(1 - progress, 0.9)
                                     : 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

}  // namespace

class Optimiser::Impl {
 public:
  struct Group {
    std::vector<at::Tensor> parameters;
    double learning_rate;
    double weight_decay;
  };

  Impl(std::vector<Group> groups, const OptimiserOptions& options) : groups_(std::move(groups)) {
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

 private:
  std::vector<Group> groups_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

Optimiser::Optimiser(Asgnet& network, const OptimiserOptions& options) : options_(options) {
  const double decoder_rate = options.learning_rate * options.scale;
  Impl::Group decoder{{}, decoder_rate, options.weight_decay};
  Impl::Group scalars{{}, decoder_rate, 0};
  Impl::Group reduction{{}, decoder_rate * options.reduction_scale, options.weight_decay};
  Impl::Group memory{{}, options.learning_rate, 0};
  Impl::Group backbone{{}, options.backbone_learning_rate, options.weight_decay};
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
    group.parameters.push_back(parameter);
  }
  std::vector<Impl::Group> groups;
  for (const Impl::Group& group : {decoder, scalars, reduction, memory}) {
    if (!group.parameters.empty()) groups.push_back(group);
  }
  if (options.train_backbone) groups.push_back(backbone);
  impl_ = std::make_unique<Impl>(std::move(groups), options);
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

void Optimiser::step() { impl_->native().step(); }

}  // namespace cdfss
