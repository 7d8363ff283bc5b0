// One step of meta-training: the order of SPEC's "Training step (R)".
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include "episode_batch.h"
#include "model/asgnet.h"
#include "optimiser.h"
#include "step_losses.h"

namespace cdfss {

struct TrainingStepOptions {
  double contrastive_weight = 1;  // 0: no X_t pass
  double orthogonal_weight = 1;
  double temperature = 1;  // of the contrastive loss, above 0
  // Restyle support features with the memory's least similar pair; the memory learns either way.
  bool source_enhancement = true;
  double foreground_weight = 1;    // of a foreground pixel in the segmentation loss
  double reduction_dropout = 0.5;  // share of the reduced channels, SPEC A2
  bool train_backbone = false;
  bool train_batch_norm = false;  // backbone BatchNorm on batch statistics (SPEC A1), not B19
  bool bf16 = false;
};

class TrainingStep {
 public:
  // Runs on the network's device. The network is shared and changed in place.
  TrainingStep(Asgnet network, const TrainingStepOptions& options);

  // Forward, losses, backward, optimiser step, memory commit. Throws Error(kInference) naming the
  // episodes when the loss is not finite, before anything was changed.
  StepLosses run(const EpisodeBatch& batch, Optimiser& optimiser);

 private:
  struct Losses {
    at::Tensor segmentation, auxiliary, contrastive, orthogonal, total;  // scalars
  };

  // Training mode, with the backbone's BatchNorm as the options say.
  void enter_training_mode();
  // Images or cached features to backbone features [., 1536, h, h].
  at::Tensor encode(const EpisodeBatch& batch, const at::Tensor& input, std::optional<Pick> pick,
                    std::vector<Style>* styles);
  // The same, reduced: float32 [., 256, h, h].
  at::Tensor reduced_features(const EpisodeBatch& batch, const at::Tensor& input,
                              std::optional<Pick> pick, bool with_gradient,
                              std::vector<Style>* styles = nullptr);
  Enriched decode(const at::Tensor& query_features, const std::vector<Prototypes>& prototypes);
  Losses forward(const EpisodeBatch& batch, std::vector<Style>& styles);
  // One set an episode, all its shots.
  std::vector<Prototypes> prototypes(const EpisodeBatch& batch, const at::Tensor& support_features);
  at::Tensor contrastive(const EpisodeBatch& batch, const at::Tensor& support_features,
                         std::optional<Pick> pick);

  Asgnet network_;
  TrainingStepOptions options_;
};

}  // namespace cdfss
