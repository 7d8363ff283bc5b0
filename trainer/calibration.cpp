#include "calibration.h"

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "data/episode_sampler.h"
#include "iou.h"
#include "sample_tensor.h"

namespace cdfss {
namespace {

constexpr int kCandidates = 19;

float candidate(int i) { return 0.05F * static_cast<float>(i + 1); }

}  // namespace

Calibration calibrate_threshold(Asgnet& network, const std::shared_ptr<const Dataset>& dataset,
                                const EpisodeEvaluationOptions& options,
                                const EpisodeProgress& progress) {
  EpisodeSampler sampler(dataset, {.shots = options.shots}, options.seed);
  network->eval();
  std::vector<IouAccumulator> accumulators(kCandidates);
  for (int done = 1; done <= options.episodes; ++done) {
    const Episode episode = sampler.next();
    const at::Tensor probability = query_probability(network, episode, options);
    for (int i = 0; i < kCandidates; ++i) {
      accumulators[i].add(episode.class_id, to_binary_mask(probability.ge(candidate(i))),
                          episode.query.label);
    }
    if (progress && !progress(done)) break;
  }
  Calibration best{.threshold = 0.5F, .miou = -1};
  for (int i = 0; i < kCandidates; ++i) {
    const double miou = accumulators[i].miou();
    const bool nearer = std::abs(candidate(i) - 0.5F) < std::abs(best.threshold - 0.5F);
    if (miou > best.miou || (miou == best.miou && nearer)) {
      best = {.threshold = candidate(i), .miou = miou, .fb_iou = accumulators[i].fb_iou()};
    }
  }
  return best;
}

}  // namespace cdfss
