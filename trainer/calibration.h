// Chooses a model's foreground threshold on validation episodes.
#pragma once

#include "episode_evaluation.h"

namespace cdfss {

struct Calibration {
  float threshold = 0.5F;
  double miou = 0;  // at that threshold, as is fb_iou
  double fb_iou = 0;
};

// The threshold of .05, .10 ... .95 with the highest mIoU; `options.threshold` is not used. Ties go
// to the one nearest .5. `progress` as in evaluate_episodes.
Calibration calibrate_threshold(Asgnet& network, const std::shared_ptr<const Dataset>& dataset,
                                const EpisodeEvaluationOptions& options,
                                const EpisodeProgress& progress = {});

}  // namespace cdfss
