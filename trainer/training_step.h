// One step of meta-training: the order of SPEC's "Training step (R)".
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "decoder_pass.h"
#include "episode_batch.h"
#include "model/asgnet.h"
#include "optimiser.h"
#include "process_group.h"
#include "step_losses.h"
#include "training_encoder.h"

namespace cdfss {

struct TrainingStepOptions {
  double contrastive_weight = 1;  // 0: no X_t pass
  double orthogonal_weight = 1;
  double temperature = 1;  // of the contrastive loss, above 0
  // Whose features are put in another style (SPEC B10); a memory learns either way.
  bool enhance_support = true;
  bool enhance_query = false;
  double foreground_weight = 1;    // of a foreground pixel in the segmentation loss
  double reduction_dropout = 0.5;  // share of the reduced channels, SPEC A2
  // Lets the segmentation loss reach the reduction through superpixel clustering, too (SPEC B12).
  bool prototype_gradient = false;
  EncoderOptions encoder{};
};

class TrainingStep {
 public:
  // Runs on the network's device. The network is shared and changed in place. In a group of
  // processes each runs its rows of the batch, and all end with the parameters and memories that
  // one process with all rows would have; `group` must outlive the step.
  TrainingStep(Asgnet network, const TrainingStepOptions& options, ProcessGroup& group);

  // Forward, losses (those of all processes), backward, optimiser step, memory commit. Throws
  // Error(kInference) naming this process's episodes, before any parameter was changed, when the
  // loss is not finite, or its gradients are not even without scaling.
  StepLosses run(const EpisodeBatch& batch, Optimiser& optimiser);

 private:
  struct Losses {
    at::Tensor segmentation, auxiliary, contrastive, orthogonal;  // scalars
  };

  // Training mode, with the backbone's BatchNorm as the options say.
  void enter_training_mode();
  DecodedBatch decode(const EpisodeBatch& batch, const at::Tensor& support_features,
                      const Optimiser& optimiser);
  // One set an episode, all its shots.
  std::vector<Prototypes> prototypes(const EpisodeBatch& batch, const at::Tensor& support_features);
  // The supports' features where prototypes need them, and the averages of their objects.
  ReducedPixels supports(const EpisodeBatch& batch, std::vector<Style>& styles);
  at::Tensor contrastive(const EpisodeBatch& batch, const at::Tensor& support_averages);
  at::Tensor orthogonal();
  // What this process has to descend behind the decoder: its share of the other losses.
  at::Tensor objective(const Losses& losses) const;
  void backward(const DecodedBatch& decoded, const at::Tensor& objective);
  StepLosses totals(const Losses& losses);
  void sum_gradients();

  Asgnet network_;
  TrainingStepOptions options_;
  ProcessGroup& group_;
  TrainingEncoder encoder_;
  DecoderPass decoder_;
};

}  // namespace cdfss
