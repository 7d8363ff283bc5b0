#include "episode_evaluation.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "data/episode_sampler.h"
#include "iou.h"
#include "model/seed_placement.h"
#include "model/superpixel_clustering.h"
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

// A tensor of the bytes of `image`, copied: uint8 [H, W, C], or [H, W] for one channel.
at::Tensor to_tensor(const cv::Mat& image) {
  const cv::Mat whole = image.isContinuous() ? image : image.clone();
  std::vector<std::int64_t> shape{whole.rows, whole.cols};
  if (whole.channels() > 1) shape.push_back(whole.channels());
  return at::from_blob(whole.data, shape, at::kByte).clone();
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
    const at::Tensor object = to_tensor(fitted.label).eq(1);
    const at::Tensor seeds = place_seeds(object.to(at::kByte));
    const at::Tensor mask = subsample_mask(object.to(at::kFloat)).to(device);
    for (const auto& pick : support_picks(options.enhancement)) {
      const at::Tensor features = reduced_features(network, fitted.image, pick, device);
      shots.push_back(network->prototypes(features[0], mask, seeds, kEvalIterations));
    }
  }
  return concatenate(shots);
}

}  // namespace

cv::Mat query_probability(Asgnet& network, const Episode& episode,
                          const EpisodeEvaluationOptions& options) {
  const at::NoGradGuard no_grad;
  const at::Device device = network->parameters().front().device();
  const Prototypes prototypes = support_prototypes(network, episode, options, device);
  const Sample query = fit(episode.query, options.input_size, options.layout);
  const at::Tensor features =
      reduced_features(network, query.image, query_pick(options.enhancement), device);
  at::Tensor logits = network->decode(features, {prototypes}, false).logits;

  // The released network upsamples to its input first, and its test script from there.
  logits = resize_align_corners(logits, options.input_size, options.input_size);
  const cv::Size size = episode.query.label.size();
  if (options.layout == Layout::kPad) {
    // The label sits top-left in a square of its longer side; the rest of the square is ignored.
    const int side = std::max(size.width, size.height);
    logits = resize_align_corners(logits, side, side);
  } else {
    logits = resize_align_corners(logits, size.height, size.width);
  }
  const at::Tensor probability = logits.softmax(1)[0][1].to(at::kCPU, at::kFloat).contiguous();
  const cv::Mat square(static_cast<int>(probability.size(0)),
                       static_cast<int>(probability.size(1)), CV_32FC1,
                       probability.data_ptr<float>());
  return square(cv::Rect({0, 0}, size)).clone();
}

EpisodeEvaluation evaluate_episodes(Asgnet& network, const std::shared_ptr<const Dataset>& dataset,
                                    const EpisodeEvaluationOptions& options,
                                    const EpisodeProgress& progress) {
  EpisodeSampler sampler(dataset, {.shots = options.shots}, options.seed);
  network->eval();
  IouAccumulator accumulator;
  EpisodeEvaluation result;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < options.episodes; ++i) {
    const Episode episode = sampler.next();
    const cv::Mat probability = query_probability(network, episode, options);
    cv::Mat prediction(probability.size(), CV_8UC1);
    for (int y = 0; y < probability.rows; ++y) {
      std::transform(probability.ptr<float>(y), probability.ptr<float>(y) + probability.cols,
                     prediction.ptr<std::uint8_t>(y), [&](float p) -> std::uint8_t {
                       return p >= options.threshold ? 1 : 0;
                     });
    }
    accumulator.add(episode.class_id, prediction, episode.query.label);
    result.episodes = i + 1;
    if (progress && !progress(result.episodes)) break;
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.miou = accumulator.miou();
  result.fb_iou = accumulator.fb_iou();
  for (const auto& [class_id, iou] : accumulator.per_class()) {
    result.per_class[dataset->classes().at(class_id)] = iou;
  }
  return result;
}

}  // namespace cdfss
