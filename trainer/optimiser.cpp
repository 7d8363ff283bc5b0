#include "optimiser.h"

#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include <cmath>
#include <numbers>
#include <unordered_set>

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
  std::unordered_set<const void*> backbone_set, memory_set;
  Impl::Group decoder{{}, options.learning_rate * options.scale, options.weight_decay};
  Impl::Group memory{{}, options.learning_rate, 0};
  Impl::Group backbone{{}, options.backbone_learning_rate, options.weight_decay};
  for (const at::Tensor& parameter : network->backbone()->parameters()) {
    parameter.set_requires_grad(options.train_backbone);
    backbone.parameters.push_back(parameter);
    backbone_set.insert(parameter.unsafeGetTensorImpl());
  }
  for (MetaMemory& module : network->memories()) {
    for (const at::Tensor& parameter : module->parameters()) {
      memory.parameters.push_back(parameter);
      memory_set.insert(parameter.unsafeGetTensorImpl());
    }
  }
  for (const at::Tensor& parameter : network->parameters()) {
    const void* key = parameter.unsafeGetTensorImpl();
    if (!backbone_set.contains(key) && !memory_set.contains(key)) {
      decoder.parameters.push_back(parameter);
    }
  }
  std::vector<Impl::Group> groups{decoder};
  if (!memory.parameters.empty()) groups.push_back(memory);
  if (options.train_backbone) groups.push_back(backbone);
  impl_ = std::make_unique<Impl>(std::move(groups), options);
}

Optimiser::~Optimiser() = default;

void Optimiser::set_step(int step, int steps) {
  const double factor = schedule_factor(options_.schedule, static_cast<double>(step) / steps);
  impl_->scale_learning_rates(factor);
  decoder_rate_ = options_.learning_rate * options_.scale * factor;
}

void Optimiser::zero_grad() { impl_->native().zero_grad(); }

void Optimiser::step() { impl_->native().step(); }

}  // namespace cdfss
