// Networks, options and single steps for tests of TrainingStep.
#pragma once

#include <ATen/ATen.h>

#include <utility>
#include <vector>

#include "training_step.h"
#include "training_test_support.h"

namespace cdfss::testing {

inline Asgnet random_network(std::vector<int> memory_layers = {}, int directions = 0) {
  at::manual_seed(11);
  AsgnetOptions options;
  options.memory_layers = std::move(memory_layers);
  options.object_directions = directions;
  options.background_directions = directions;
  return Asgnet(options);
}

// No dropout of the reduction and no term but the segmentation, unless a test turns it on.
inline TrainingStepOptions plain() {
  return {.contrastive_weight = 0, .orthogonal_weight = 0, .reduction_dropout = 0};
}

inline OptimiserOptions adamw(double rate, bool train_backbone = false) {
  return {.kind = OptimiserKind::kAdamW,
          .learning_rate = rate,
          .scale = 1,
          .backbone_learning_rate = rate,
          .train_backbone = train_backbone};
}

inline StepLosses one_step(Asgnet& network, const TrainingStepOptions& options,
                           const EpisodeBatch& batch, const OptimiserOptions& optimiser_options) {
  Optimiser optimiser(network, optimiser_options);
  optimiser.set_step(1, 100);
  at::manual_seed(3);
  ProcessGroup alone;
  return TrainingStep(network, options, alone).run(batch, optimiser);
}

}  // namespace cdfss::testing
