// A few episodes to look at: what the network was shown, what it should and what it did answer.
#pragma once

#include <memory>
#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

#include "episode_evaluation.h"

namespace cdfss {

struct SamplePrediction {
  std::string class_name;
  std::string query_name;            // as Dataset::name
  std::vector<cv::Mat> supports;     // one a shot, its mask drawn over it
  cv::Mat query, truth, prediction;  // the query plain, and with a mask drawn over it
  double iou = 0;                    // 0..1, of the foreground; pixels to ignore left out
};

// Episodes of the options' seed, each of another class, `count` of them if there are as many
// classes. The network must be in eval mode, as query_probability() wants it. Pictures are CV_8UC3
// RGB, of at most kSampleSide pixels. Throws as EpisodeSampler and Dataset.
std::vector<SamplePrediction> sample_predictions(Asgnet& network,
                                                 const std::shared_ptr<const Dataset>& dataset,
                                                 const EpisodeEvaluationOptions& options,
                                                 int count);

inline constexpr int kSampleSide = 192;

}  // namespace cdfss
