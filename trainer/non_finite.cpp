#include "non_finite.h"

#include <ATen/ATen.h>

#include <optional>
#include <vector>

#include "io/module_tensors.h"
#include "model/superpixel_clustering.h"
#include "training_encoder.h"

namespace cdfss {
namespace {

bool finite(const at::Tensor& tensor) { return at::isfinite(tensor).all().item<bool>(); }

bool episode_is_finite(Asgnet& network, const EpisodeBatch& batch, int episode) {
  const int first = episode * batch.shots;
  const int last = first + batch.shots;
  const auto reduced = [&](const at::Tensor& rows, Encoded encoded) {
    return network->reduce(plain_features(network, rows, encoded));
  };
  const at::Tensor query = reduced(batch.query.slice(0, episode, episode + 1), batch.encoded.query);
  const at::Tensor support = reduced(batch.support.slice(0, first, last), batch.encoded.support);
  if (!finite(query) || !finite(support)) return false;
  if (batch.transformed.defined() &&
      !finite(reduced(batch.transformed.slice(0, first, last), batch.encoded.transformed))) {
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
