#include "training_step.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/utils/tensor_flatten.h>
#include <torch/utils.h>

#include <cmath>

#include "cdfss/error.h"
#include "loss/contrastive.h"
#include "loss/segmentation.h"
#include "model/superpixel_clustering.h"
#include "tensor/image_tensor.h"
#include "tensor/image_threads.h"

namespace cdfss {
namespace {

// Where labels uint8 [B, S, S] have the class, at feature size: bool [B, h, h] on the CPU.
at::Tensor object_pixels(const at::Tensor& labels) { return subsample_mask(labels).eq(1).cpu(); }

// Masked average of each row's class region (SPEC B11): [B, C], with gradient.
at::Tensor region_averages(const at::Tensor& features, const at::Tensor& masks) {
  std::vector<at::Tensor> rows;
  const std::vector<at::Tensor> images = features.unbind();
  for (std::size_t i = 0; i < images.size(); ++i) {
    rows.push_back(masked_average(images[i], masks[static_cast<std::int64_t>(i)]).squeeze(1));
  }
  return at::stack(rows);
}

// The class of every row of a batch's supports, int64 [B K].
at::Tensor support_classes(const EpisodeBatch& batch) {
  const std::vector<std::int64_t> ids(batch.class_ids.begin(), batch.class_ids.end());
  return at::tensor(ids, at::kLong).repeat_interleave(batch.shots);
}

[[noreturn]] void fail(const EpisodeBatch& batch, std::string what) {
  what += "; episodes of the step:";
  for (const std::string& description : batch.descriptions) what += "\n  " + description;
  throw Error(ErrorCode::kInference, what);
}

}  // namespace

TrainingStep::TrainingStep(Asgnet network, const TrainingStepOptions& options, ProcessGroup& group)
    : network_(network),
      options_(options),
      group_(group),
      encoder_(network, options.encoder),
      decoder_(network, options.encoder.precision, options.foreground_weight) {
  network_->set_reduction_dropout(options.reduction_dropout);
  network_->set_shard({.index = group.rank(), .count = group.size()});
}

StepLosses TrainingStep::run(const EpisodeBatch& batch, Optimiser& optimiser) {
  enter_training_mode();
  optimiser.zero_grad();
  std::vector<Style> styles;
  const ReducedPixels support = supports(batch, styles);
  const DecodedBatch decoded = decode(batch, support.features, optimiser);
  const at::Tensor none = at::zeros_like(decoded.segmentation);
  const Losses losses{
      .segmentation = decoded.segmentation,
      .auxiliary = decoded.auxiliary,
      .contrastive = options_.contrastive_weight > 0 ? contrastive(batch, support.averages) : none,
      .orthogonal = orthogonal()};
  StepLosses values = totals(losses);
  if (!std::isfinite(values.total)) fail(batch, "the loss is not finite");
  values.scale = optimiser.loss_scale();
  backward(decoded, optimiser.scaled(objective(losses)));
  sum_gradients();
  values.skipped = !optimiser.step();
  if (values.skipped && values.scale <= 1) fail(batch, "gradients are not finite");
  for (std::size_t i = 0; i < styles.size(); ++i) {
    network_->memories()[i]->commit(
        {group_.gather_rows(styles[i].mean), group_.gather_rows(styles[i].std)});
  }
  return values;
}

void TrainingStep::enter_training_mode() {
  network_->train();
  if (!options_.encoder.train_batch_norm) network_->backbone()->eval();
}

DecodedBatch TrainingStep::decode(const EpisodeBatch& batch, const at::Tensor& support_features,
                                  const Optimiser& optimiser) {
  const at::Tensor query =
      encoder_.reduced(batch.query, batch.encoded.query, {.shifted = options_.enhance_query});
  const at::Tensor labels = batch.query_label.to(query.device(), at::kLong);
  at::Tensor weight = total_pixel_weight(labels, options_.foreground_weight);
  group_.sum(weight);
  return decoder_.run(query, prototypes(batch, support_features), labels, weight.clamp_min(1e-6),
                      optimiser);
}

ReducedPixels TrainingStep::supports(const EpisodeBatch& batch, std::vector<Style>& styles) {
  const bool has_prior = network_->options().has_prior();
  // By default prototypes carry no gradient, only the contrastive loss and the prior do (SPEC B12).
  const TrainingEncoder::Pass pass{.shifted = options_.enhance_support,
                                   .with_gradient = options_.prototype_gradient || has_prior,
                                   .styles = &styles};
  const at::Tensor object = object_pixels(batch.support_label);
  if (!has_prior) {
    return encoder_.reduced_in(object, batch.support, batch.encoded.support, pass,
                               /*with_features=*/true);
  }
  // The prior's background directions come from all pixels.
  const at::Tensor features = encoder_.reduced(batch.support, batch.encoded.support, pass);
  return {features, region_averages(features, object.to(features.device()))};
}

std::vector<Prototypes> TrainingStep::prototypes(const EpisodeBatch& batch,
                                                 const at::Tensor& support_features) {
  const at::Device device = support_features.device();
  const at::Tensor labels = subsample_mask(batch.support_label).to(device);
  std::vector<Prototypes> prototypes(batch.size());
  const auto make = [&](std::int64_t episode) {
    std::vector<Prototypes> shots;
    const std::int64_t first = episode * batch.shots;
    for (std::int64_t row = first; row < first + batch.shots; ++row) {
      shots.push_back(network_->prototypes(support_features[row], labels[row],
                                           batch.seeds[row].to(device), kTrainIterations,
                                           options_.prototype_gradient));
    }
    prototypes[episode] = concatenate(shots);
  };
  // The order in which gradients are summed must not depend on which thread made what.
  const bool with_gradient = options_.prototype_gradient || network_->options().has_prior();
  if (device.is_cpu() && !with_gradient && fill_threads(batch.size())) {
    for_images(batch.size(), make);
  } else {
    for (std::int64_t episode = 0; episode < batch.size(); ++episode) make(episode);
  }
  return prototypes;
}

at::Tensor TrainingStep::contrastive(const EpisodeBatch& batch,
                                     const at::Tensor& support_averages) {
  const ReducedPixels transformed = encoder_.reduced_in(
      object_pixels(batch.transformed_label), batch.transformed, batch.encoded.transformed,
      {.shifted = options_.enhance_support}, /*with_features=*/false);
  // Every category of all processes is a negative of the others.
  const at::Tensor anchors = group_.gather_rows_with_gradient(support_averages);
  const at::Tensor positives = group_.gather_rows_with_gradient(transformed.averages);
  const at::Tensor classes = group_.gather_rows(support_classes(batch));
  const std::vector<int> ids(classes.data_ptr<std::int64_t>(),
                             classes.data_ptr<std::int64_t>() + classes.numel());
  return contrastive_loss(average_by_class(anchors, ids), average_by_class(positives, ids),
                          options_.temperature);
}

at::Tensor TrainingStep::orthogonal() {
  at::Tensor sum = at::zeros({}, network_->parameters().front().options().requires_grad(false));
  if (options_.orthogonal_weight == 0) return sum;
  for (MetaMemory& memory : network_->memories()) {
    if (!memory->empty()) sum = sum + memory->orthogonal_loss();
  }
  return sum;
}

at::Tensor TrainingStep::objective(const Losses& losses) const {
  // The contrastive loss has gradient through this process's rows alone: it adds up over the
  // processes, as the decoder's losses do, sums over its pixels. The orthogonal loss is whole in
  // each.
  return options_.contrastive_weight * losses.contrastive +
         options_.orthogonal_weight / group_.size() * losses.orthogonal;
}

void TrainingStep::backward(const DecodedBatch& decoded, const at::Tensor& objective) {
  std::vector<at::Tensor> roots = decoded.read, gradients = decoded.gradients;
  if (objective.requires_grad()) {
    roots.push_back(objective);
    gradients.push_back(at::ones_like(objective));
  }
  torch::autograd::backward(roots, gradients);
}

StepLosses TrainingStep::totals(const Losses& losses) {
  at::Tensor shared = at::stack({losses.segmentation.detach(), losses.auxiliary.detach()});
  group_.sum(shared);
  StepLosses values{.segmentation = shared[0].item<double>(),
                    .auxiliary = shared[1].item<double>(),
                    .contrastive = losses.contrastive.item<double>(),
                    .orthogonal = losses.orthogonal.item<double>()};
  values.total = values.segmentation + values.auxiliary +
                 options_.contrastive_weight * values.contrastive +
                 options_.orthogonal_weight * values.orthogonal;
  return values;
}

void TrainingStep::sum_gradients() {
  if (group_.size() == 1) return;
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& parameter : network_->parameters()) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  at::Tensor flat = torch::utils::flatten_dense_tensors(gradients);
  group_.sum(flat);
  const auto sums = torch::utils::unflatten_dense_tensors(flat, gradients);
  for (std::size_t i = 0; i < gradients.size(); ++i) gradients[i].copy_(sums[i]);
}

}  // namespace cdfss
