#include "sample_predictions.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <set>

#include "data/episode_sampler.h"
#include "iou.h"
#include "sample_tensor.h"

namespace cdfss {
namespace {

constexpr int kDraws = 50;  // for each sample, in search of another class
const cv::Scalar kGiven(0, 158, 115), kPredicted(213, 94, 0), kIgnored(128, 128, 128);  // RGB

// The image with the mask's pixels of value 1 coloured, those of 255 in grey, and scaled down.
cv::Mat picture(const cv::Mat& image, const cv::Mat& mask, const cv::Scalar& colour) {
  cv::Mat drawn = image.clone();
  const auto blend = [&](const cv::Mat& where, const cv::Scalar& with) {
    cv::Mat coloured;
    cv::addWeighted(image, 0.5, cv::Mat(image.size(), CV_8UC3, with), 0.5, 0, coloured);
    coloured.copyTo(drawn, where);
  };
  if (!mask.empty()) {
    blend(mask == 1, colour);
    blend(mask == 255, kIgnored);
  }
  const double scale = static_cast<double>(kSampleSide) / std::max(image.cols, image.rows);
  if (scale < 1) {
    const cv::Size size(std::max(1, cvRound(scale * image.cols)),
                        std::max(1, cvRound(scale * image.rows)));
    cv::resize(drawn, drawn, size, 0, 0, cv::INTER_AREA);
  }
  return drawn;
}

}  // namespace

std::vector<SamplePrediction> sample_predictions(Asgnet& network,
                                                 const std::shared_ptr<const Dataset>& dataset,
                                                 const EpisodeEvaluationOptions& options,
                                                 int count) {
  EpisodeSampler sampler(dataset, {.shots = options.shots}, options.seed);
  std::set<int> seen;
  std::vector<SamplePrediction> samples;
  for (int draws = 0; draws < kDraws * count && static_cast<int>(samples.size()) < count; ++draws) {
    Episode episode = sampler.draw();
    if (!seen.insert(episode.class_id).second) continue;
    sampler.load(episode);
    const cv::Mat prediction =
        to_binary_mask(query_probability(network, episode, options).ge(options.threshold));
    const Sample& query = episode.query;
    SamplePrediction sample{.class_name = episode.class_name,
                            .query_name = dataset->name(episode.query_index),
                            .supports = {},
                            .query = picture(query.image, {}, {}),
                            .truth = picture(query.image, query.label, kGiven),
                            .prediction = picture(query.image, prediction, kPredicted),
                            .iou = overlap(prediction, query.label, 1).iou(1)};
    for (const Sample& support : episode.supports) {
      sample.supports.push_back(picture(support.image, support.label, kGiven));
    }
    samples.push_back(std::move(sample));
  }
  return samples;
}

}  // namespace cdfss
