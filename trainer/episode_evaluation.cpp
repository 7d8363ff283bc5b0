#include "episode_evaluation.h"

#include <ATen/ATen.h>

#include <chrono>
#include <optional>
#include <vector>

#include "data/episode_sampler.h"
#include "iou.h"
#include "model/seed_placement.h"
#include "model/superpixel_clustering.h"
#include "sample_tensor.h"
#include "tensor/image_tensor.h"

namespace cdfss {
namespace {

// How often and in which style a support image is seen (SPEC B10).
std::vector<std::optional<Pick>> support_picks(TargetEnhancement enhancement) {
  switch (enhancement) {
    case TargetEnhancement::kSupport:
    case TargetEnhancement::kBoth:
      return {Pick::kHighest};
    case TargetEnhancement::kUnion:
      return {std::nullopt, Pick::kHighest};
    default:
      return {std::nullopt};
  }
}

std::optional<Pick> query_pick(TargetEnhancement enhancement) {
  const bool enhanced =
      enhancement == TargetEnhancement::kQuery || enhancement == TargetEnhancement::kBoth;
  return enhanced ? std::optional(Pick::kHighest) : std::nullopt;
}

at::Tensor reduced_features(Asgnet& network, const cv::Mat& image, std::optional<Pick> pick,
                            at::Device device) {
  const at::Tensor rgb = to_tensor(image).unsqueeze(0).to(device);
  return network->reduce(network->backbone_features(normalise(rgb), pick));  // [1, 256, h, w]
}

Prototypes support_prototypes(Asgnet& network, const Episode& episode,
                              const EpisodeEvaluationOptions& options, at::Device device) {
  std::vector<Prototypes> shots;
  for (const Sample& support : episode.supports) {
    const Sample fitted = fit(support, options.input_size, options.layout);
    const at::Tensor label = to_tensor(fitted.label);
    const at::Tensor seeds = place_seeds(label.eq(1).to(at::kByte));
    const at::Tensor small = support_label(label).to(device);
    for (const auto& pick : support_picks(options.enhancement)) {
      const at::Tensor features = reduced_features(network, fitted.image, pick, device);
      shots.push_back(network->prototypes(features[0], small, seeds, kEvalIterations));
    }
  }
  return concatenate(shots);
}

at::Tensor foreground(const at::Tensor& logits) {  // [1, 2, H, W] -> [H, W]
  return logits.to(at::kFloat).softmax(1)[0][1];
}

EpisodeScores scores_of(const IouAccumulator& accumulator, const Dataset& dataset) {
  EpisodeScores scores{.miou = accumulator.miou(), .fb_iou = accumulator.fb_iou(), .per_class = {}};
  for (const auto& [class_id, iou] : accumulator.per_class()) {
    scores.per_class[dataset.classes().at(class_id)] = iou;
  }
  return scores;
}

}  // namespace

QueryProbability query_probabilities(Asgnet& network, const Episode& episode,
                                     const EpisodeEvaluationOptions& options) {
  const at::NoGradGuard no_grad;
  const at::Device device = network->parameters().front().device();
  const Prototypes prototypes = support_prototypes(network, episode, options, device);
  const Sample query = fit(episode.query, options.input_size, options.layout);
  const at::Tensor features =
      reduced_features(network, query.image, query_pick(options.enhancement), device);
  const at::Tensor logits = network->decode(features, {prototypes}, false).logits;
  // The released network upsamples to its input first, its test script from there.
  const at::Tensor square = resize_align_corners(logits, options.input_size, options.input_size);
  const at::Tensor sized = to_image_size(square, episode.query.label.size(), options.layout);
  return {
      .original = foreground(sized), .network = foreground(square), .network_label = query.label};
}

at::Tensor query_probability(Asgnet& network, const Episode& episode,
                             const EpisodeEvaluationOptions& options) {
  return query_probabilities(network, episode, options).original;
}

EpisodeEvaluation evaluate_episodes(Asgnet& network, const std::shared_ptr<const Dataset>& dataset,
                                    const EpisodeEvaluationOptions& options,
                                    const EpisodeProgress& progress) {
  EpisodeSampler sampler(dataset, {.shots = options.shots}, options.seed);
  network->eval();
  IouAccumulator at_original_size;
  IouAccumulator at_network_size;
  EpisodeEvaluation result;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < options.episodes; ++i) {
    const Episode episode = sampler.next();
    const QueryProbability query = query_probabilities(network, episode, options);
    at_original_size.add(episode.class_id, to_binary_mask(query.original.ge(options.threshold)),
                         episode.query.label);
    at_network_size.add(episode.class_id, to_binary_mask(query.network.ge(options.threshold)),
                        query.network_label);
    result.episodes = i + 1;
    if (progress && !progress(result.episodes)) break;
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  static_cast<EpisodeScores&>(result) = scores_of(at_original_size, *dataset);
  result.network_size = scores_of(at_network_size, *dataset);
  return result;
}

}  // namespace cdfss
