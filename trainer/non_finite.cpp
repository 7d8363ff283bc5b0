#include "non_finite.h"

#include <ATen/ATen.h>

#include <optional>
#include <vector>

#include "io/module_tensors.h"
#include "model/superpixel_clustering.h"
#include "tensor/image_tensor.h"

namespace cdfss {
namespace {

bool finite(const at::Tensor& tensor) { return at::isfinite(tensor).all().item<bool>(); }

// Rows [n, S, S, 3] of images or [n, 1536, h, h] of encoded features, reduced.
at::Tensor reduced_features(Asgnet& network, const EpisodeBatch& batch, const at::Tensor& rows) {
  const at::Device device = network->parameters().front().device();
  const at::Tensor input = rows.to(device);
  if (batch.encoded) return network->reduce(input.to(at::kFloat));
  return network->reduce(network->backbone_features(normalise(input), std::nullopt));
}

bool episode_is_finite(Asgnet& network, const EpisodeBatch& batch, int episode) {
  const int first = episode * batch.shots;
  const at::Tensor query =
      reduced_features(network, batch, batch.query.slice(0, episode, episode + 1));
  const at::Tensor support =
      reduced_features(network, batch, batch.support.slice(0, first, first + batch.shots));
  if (!finite(query) || !finite(support)) return false;
  if (batch.transformed.defined() &&
      !finite(reduced_features(network, batch,
                               batch.transformed.slice(0, first, first + batch.shots)))) {
    return false;
  }
  const at::Tensor labels = subsample_mask(batch.support_label).to(query.device());
  std::vector<Prototypes> shots;
  for (int shot = 0; shot < batch.shots; ++shot) {
    shots.push_back(network->prototypes(support[shot], labels[first + shot],
                                        batch.seeds[first + shot].to(query.device()),
                                        kTrainIterations));
  }
  return finite(network->decode(query, {concatenate(shots)}, /*with_inner=*/false).logits);
}

}  // namespace

std::string non_finite_cause(Asgnet& network, const EpisodeBatch& batch) {
  const at::NoGradGuard no_grad;
  network->eval();
  for (const auto& [name, tensor] : module_tensors(*network)) {
    if (!finite(tensor)) {
      return "\nThe network's " + name + " is not finite: an earlier step has broken it.";
    }
  }
  std::string cause;
  for (int episode = 0; episode < batch.size(); ++episode) {
    if (!episode_is_finite(network, batch, episode)) {
      cause += "\nNot finite alone, too: " + batch.descriptions[episode];
    }
  }
  return cause;
}

}  // namespace cdfss
