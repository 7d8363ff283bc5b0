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
  int shots = 1;             // K
  int input_size = 473;      // S in pixels
  std::uint64_t seed = 321;  // of the episodes: the same seed gives the same ones
  Layout layout = Layout::kPad;
  float threshold = 0.5F;  // least foreground probability, 0..1
  TargetEnhancement enhancement = TargetEnhancement::kNone;
};

struct EpisodeScores {
  double miou = 0;                          // 0..1, mean of per_class
  double fb_iou = 0;                        // 0..1
  std::map<std::string, double> per_class;  // class name -> IoU, the classes that were drawn
};

// Its own scores are against the labels as they are on disk (SPEC A13).
struct EpisodeEvaluation : EpisodeScores {
  // The same predictions against the labels in the network's square input, padding ignored: how
  // papers that follow RePRI report (SPEC B21).
  EpisodeScores network_size;
  int episodes = 0;    // that were scored: fewer than asked for if stopped
  double seconds = 0;  // reading images included
};

// Called after each episode with how many are done; false stops.
using EpisodeProgress = std::function<bool(int done)>;

// Runs on the network's device, without gradient, one episode at a time; leaves the network in eval
// mode. Throws as EpisodeSampler and Dataset do.
EpisodeEvaluation evaluate_episodes(Asgnet& network, const std::shared_ptr<const Dataset>& dataset,
                                    const EpisodeEvaluationOptions& options,
                                    const EpisodeProgress& progress = {});

// Foreground probability of one loaded episode's query: float, 0..1, on the network's device.
struct QueryProbability {
  at::Tensor original;    // [H, W], of the query label's size
  at::Tensor network;     // [S, S], of the network's input
  cv::Mat network_label;  // CV_8UC1 [S, S]: the label laid out as the input, padding 255
};
// The network must be in eval mode; uses `input_size`, `layout` and `enhancement` of the options.
QueryProbability query_probabilities(Asgnet& network, const Episode& episode,
                                     const EpisodeEvaluationOptions& options);
// Only the one of the label's size.
at::Tensor query_probability(Asgnet& network, const Episode& episode,
                             const EpisodeEvaluationOptions& options);

}  // namespace cdfss
