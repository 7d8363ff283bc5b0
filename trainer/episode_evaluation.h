// Few-shot episodes of a dataset through the network, scored (SPEC A12, A13).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "cdfss/model_info.h"
#include "data/augmentation.h"
#include "data/dataset.h"
#include "model/asgnet.h"

namespace cdfss {

struct EpisodeEvaluationOptions {
  int episodes = 1000;
  int shots = 1;              // K
  int input_size = 473;       // S in pixels
  std::uint64_t seed = 321;   // of the episodes: the same seed gives the same ones
  Layout layout = Layout::kPad;
  float threshold = 0.5F;     // least foreground probability, 0..1
  TargetEnhancement enhancement = TargetEnhancement::kNone;
};

struct EpisodeEvaluation {
  double miou = 0;                          // 0..1, mean of per_class
  double fb_iou = 0;                        // 0..1
  std::map<std::string, double> per_class;  // class name -> IoU, the classes that were drawn
  int episodes = 0;                         // that were scored: fewer than asked for if stopped
  double seconds = 0;                       // reading images included
};

// Called after each episode with how many are done; false stops.
using EpisodeProgress = std::function<bool(int done)>;

// Runs on the network's device, without gradient, one episode at a time; leaves the network in eval
// mode. Throws as EpisodeSampler and Dataset do.
EpisodeEvaluation evaluate_episodes(Asgnet& network, const std::shared_ptr<const Dataset>& dataset,
                                    const EpisodeEvaluationOptions& options,
                                    const EpisodeProgress& progress = {});

// Foreground probability of one loaded episode's query: float [H, W], 0..1, of the query label's
// size, on the network's device. The network must be in eval mode; uses `input_size`, `layout` and
// `enhancement` of the options.
at::Tensor query_probability(Asgnet& network, const Episode& episode,
                             const EpisodeEvaluationOptions& options);

}  // namespace cdfss
