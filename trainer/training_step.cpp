#include "training_step.h"

#include <ATen/ATen.h>
#include <torch/utils.h>

#include <cmath>

#include "autocast.h"
#include "cdfss/error.h"
#include "loss/contrastive.h"
#include "loss/segmentation.h"
#include "model/superpixel_clustering.h"
#include "tensor/image_tensor.h"

namespace cdfss {
namespace {

at::Device device_of(const Asgnet& network) { return network->parameters().front().device(); }

// Labels uint8 [B, S, S] to the class's 0/1 masks at feature size, float [B, h, h].
at::Tensor feature_masks(const at::Tensor& labels, const at::Device& device) {
  return subsample_mask(labels.eq(1)).to(device, at::kFloat);
}

// Masked average of each row's class region (SPEC B11): [B, C], with gradient.
at::Tensor region_averages(const at::Tensor& features, const at::Tensor& masks) {
  std::vector<at::Tensor> rows;
  for (std::int64_t i = 0; i < features.size(0); ++i) {
    rows.push_back(masked_average(features[i], masks[i]).squeeze(1));
  }
  return at::stack(rows);
}

std::vector<int> repeat_each(const std::vector<int>& values, int times) {
  std::vector<int> repeated;
  for (const int value : values) repeated.insert(repeated.end(), times, value);
  return repeated;
}

}  // namespace

TrainingStep::TrainingStep(Asgnet network, const TrainingStepOptions& options)
    : network_(std::move(network)), options_(options) {
  network_->set_reduction_dropout(options.reduction_dropout);
}

StepLosses TrainingStep::run(const EpisodeBatch& batch, Optimiser& optimiser) {
  enter_training_mode();
  optimiser.zero_grad();
  std::vector<Style> styles;
  const Losses losses = forward(batch, styles);
  const StepLosses values{.segmentation = losses.segmentation.item<double>(),
                          .auxiliary = losses.auxiliary.item<double>(),
                          .contrastive = losses.contrastive.item<double>(),
                          .orthogonal = losses.orthogonal.item<double>(),
                          .total = losses.total.item<double>()};
  if (!std::isfinite(values.total)) {
    std::string message = "the loss is not finite; episodes of the step:";
    for (const std::string& description : batch.descriptions) message += "\n  " + description;
    throw Error(ErrorCode::kInference, message);
  }
  losses.total.backward();
  optimiser.step();
  for (std::size_t i = 0; i < styles.size(); ++i) network_->memories()[i]->commit(styles[i]);
  return values;
}

void TrainingStep::enter_training_mode() {
  network_->train();
  if (!options_.train_batch_norm) network_->backbone()->eval();
}

at::Tensor TrainingStep::encode(const EpisodeBatch& batch, const at::Tensor& input,
                                std::optional<Pick> pick, std::vector<Style>* styles) {
  const at::Device device = device_of(network_);
  if (batch.encoded) return input.to(device, at::kFloat);
  const torch::AutoGradMode gradient(options_.train_backbone && at::GradMode::is_enabled());
  const at::Tensor images =
      normalise(input.to(device)).contiguous(at::MemoryFormat::ChannelsLast);
  return network_->backbone_features(images, pick, styles);
}

at::Tensor TrainingStep::reduced_features(const EpisodeBatch& batch, const at::Tensor& input,
                                          std::optional<Pick> pick, bool with_gradient,
                                          std::vector<Style>* styles) {
  // A scope for each pass: autocast keeps its casts of the weights, and one made here without
  // gradient would cut a later pass off from the weights.
  const Bf16Autocast autocast(device_of(network_).type(), options_.bf16);
  const torch::AutoGradMode gradient(with_gradient);
  return network_->reduce(encode(batch, input, pick, styles)).to(at::kFloat);
}

Enriched TrainingStep::decode(const at::Tensor& query_features,
                              const std::vector<Prototypes>& prototypes) {
  const Bf16Autocast autocast(query_features.device().type(), options_.bf16);
  Enriched enriched = network_->decode(query_features, prototypes, /*with_inner=*/true);
  enriched.logits = enriched.logits.to(at::kFloat);
  for (at::Tensor& inner : enriched.inner) inner = inner.to(at::kFloat);
  return enriched;
}

TrainingStep::Losses TrainingStep::forward(const EpisodeBatch& batch, std::vector<Style>& styles) {
  const at::Device device = device_of(network_);
  const std::optional<Pick> pick =
      options_.source_enhancement ? std::optional(Pick::kLowest) : std::nullopt;
  const bool with_contrastive = options_.contrastive_weight > 0;
  // Prototypes carry no gradient (SPEC B12), only the contrastive loss and the prior do.
  const at::Tensor support_features =
      reduced_features(batch, batch.support, pick,
                       with_contrastive || network_->options().has_prior(), &styles);
  const at::Tensor query_features =
      reduced_features(batch, batch.query, std::nullopt, /*with_gradient=*/true);
  Enriched enriched = decode(query_features, prototypes(batch, support_features));

  Losses losses;
  losses.contrastive = with_contrastive ? contrastive(batch, support_features, pick)
                                        : at::zeros({}, query_features.options());
  const SegmentationLoss segmentation =
      segmentation_loss(enriched, batch.query_label.to(device, at::kLong),
                        options_.foreground_weight);
  losses.segmentation = segmentation.main;
  losses.auxiliary = segmentation.auxiliary;
  losses.orthogonal = at::zeros({}, losses.segmentation.options());
  for (MetaMemory& memory : network_->memories()) {
    if (options_.orthogonal_weight > 0 && !memory->empty()) {
      losses.orthogonal = losses.orthogonal + memory->orthogonal_loss();
    }
  }
  losses.total = losses.segmentation + losses.auxiliary +
                 options_.contrastive_weight * losses.contrastive +
                 options_.orthogonal_weight * losses.orthogonal;
  return losses;
}

std::vector<Prototypes> TrainingStep::prototypes(const EpisodeBatch& batch,
                                                 const at::Tensor& support_features) {
  const at::Device device = support_features.device();
  const at::Tensor labels = subsample_mask(batch.support_label).to(device);
  std::vector<Prototypes> prototypes;
  for (int b = 0; b < batch.size(); ++b) {
    std::vector<Prototypes> shots;
    for (int row = b * batch.shots; row < (b + 1) * batch.shots; ++row) {
      shots.push_back(network_->prototypes(support_features[row], labels[row],
                                           batch.seeds[row].to(device), kTrainIterations));
    }
    prototypes.push_back(concatenate(shots));
  }
  return prototypes;
}

at::Tensor TrainingStep::contrastive(const EpisodeBatch& batch, const at::Tensor& support_features,
                                     std::optional<Pick> pick) {
  const at::Device device = support_features.device();
  const std::vector<int> class_ids = repeat_each(batch.class_ids, batch.shots);
  const at::Tensor transformed_features =
      reduced_features(batch, batch.transformed, pick, /*with_gradient=*/true);
  const at::Tensor anchors =
      region_averages(support_features, feature_masks(batch.support_label, device));
  const at::Tensor positives =
      region_averages(transformed_features, feature_masks(batch.transformed_label, device));
  return contrastive_loss(average_by_class(anchors, class_ids),
                          average_by_class(positives, class_ids), options_.temperature);
}

}  // namespace cdfss
