#include "decoder_pass.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/autograd.h>

#include <optional>

#include "autocast.h"
#include "loss/segmentation.h"
#include "model/channel_dropout.h"
#include "tensor/image_threads.h"

namespace cdfss {

// Consecutive episodes, and what became of them.
struct DecoderPass::Part {
  at::Tensor query, labels;
  std::vector<Prototypes> prototypes;
  std::optional<DropoutOfPart> dropout;  // unless it is the whole batch
  at::Tensor segmentation, auxiliary;
  std::vector<at::Tensor> read, gradients;
  std::vector<at::Tensor> of_parameters;  // undefined where the decoder did not use one
};

namespace {

// The part of a graph that reads tensors made by another.
class Cut {
 public:
  // The same values, as the beginning of a new graph if `x` has gradient.
  at::Tensor operator()(const at::Tensor& x) {
    if (!x.defined() || !x.requires_grad()) return x;
    before.push_back(x);
    return behind.emplace_back(x.detach().requires_grad_());
  }
  Prototypes operator()(const Prototypes& x) {
    return {(*this)(x.foreground), (*this)(x.object_directions), (*this)(x.background_directions)};
  }

  std::vector<at::Tensor> before, behind;
};

Enriched to_float(Enriched enriched) {
  enriched.logits = enriched.logits.to(at::kFloat);
  for (at::Tensor& inner : enriched.inner) inner = inner.to(at::kFloat);
  return enriched;
}

}  // namespace

DecoderPass::DecoderPass(Asgnet network, c10::ScalarType precision, double foreground_weight)
    : network_(std::move(network)), precision_(precision), foreground_weight_(foreground_weight) {}

DecodedBatch DecoderPass::run(const at::Tensor& query, const std::vector<Prototypes>& prototypes,
                              const at::Tensor& labels, const at::Tensor& total_weight,
                              const Optimiser& optimiser) {
  const std::int64_t count = query.is_cpu() ? even_parts(query.size(0)) : 1;
  const std::int64_t episodes = query.size(0) / count;
  const std::vector<at::Tensor> queries = query.split(episodes), targets = labels.split(episodes);
  std::vector<Part> parts(count);
  for (std::int64_t i = 0; i < count; ++i) {
    parts[i].query = queries[i];
    parts[i].labels = targets[i];
    const auto begin = prototypes.begin() + i * episodes;
    parts[i].prototypes.assign(begin, begin + episodes);
    if (count > 1) {
      // The first draws in the batch's name, the others what it will have drawn.
      const at::Generator& all = at::detail::getDefaultCPUGenerator();
      parts[i].dropout.emplace(BatchShard{static_cast<int>(i), static_cast<int>(count)},
                               i == 0 ? all : all.clone());
    }
  }
  if (count == 1) {
    run_part(parts.front(), total_weight, optimiser);
  } else {
    for_images(count, [&](std::int64_t i) { run_part(parts[i], total_weight, optimiser); });
  }

  DecodedBatch result{at::zeros_like(total_weight), at::zeros_like(total_weight), {}, {}};
  for (const Part& part : parts) {
    result.segmentation += part.segmentation;
    result.auxiliary += part.auxiliary;
    result.read.insert(result.read.end(), part.read.begin(), part.read.end());
    result.gradients.insert(result.gradients.end(), part.gradients.begin(), part.gradients.end());
  }
  add_gradients(parts);
  return result;
}

void DecoderPass::run_part(Part& part, const at::Tensor& total_weight, const Optimiser& optimiser) {
  const std::optional<DropoutOfPart::Scope> scope =
      part.dropout ? std::make_optional<DropoutOfPart::Scope>(*part.dropout) : std::nullopt;
  Cut cut;
  std::vector<Prototypes> prototypes;
  for (const Prototypes& of_episode : part.prototypes) prototypes.push_back(cut(of_episode));
  const at::Tensor query = cut(part.query);
  const SegmentationLoss loss = [&] {
    const Autocast autocast(query.device().type(), precision_);
    const Enriched enriched = to_float(network_->decode(query, prototypes, /*with_inner=*/true));
    return segmentation_loss(enriched, part.labels, foreground_weight_, total_weight);
  }();
  part.segmentation = loss.main.detach();
  part.auxiliary = loss.auxiliary.detach();

  std::vector<at::Tensor> sources = cut.behind;
  for (const at::Tensor& parameter : network_->decoder_parameters()) sources.push_back(parameter);
  std::vector<at::Tensor> gradients = torch::autograd::grad(
      {optimiser.scaled(loss.main + loss.auxiliary)}, sources, /*grad_outputs=*/{},
      /*retain_graph=*/std::nullopt, /*create_graph=*/false, /*allow_unused=*/true);
  part.of_parameters.assign(gradients.begin() + cut.behind.size(), gradients.end());
  for (std::size_t i = 0; i < cut.behind.size(); ++i) {
    if (!gradients[i].defined()) continue;  // the decoder did not need it
    part.read.push_back(cut.before[i]);
    part.gradients.push_back(gradients[i]);
  }
}

void DecoderPass::add_gradients(const std::vector<Part>& parts) {
  const at::NoGradGuard no_grad;
  const std::vector<at::Tensor> parameters = network_->decoder_parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    // A parameter that one part uses is used by all.
    if (!parts.front().of_parameters[i].defined()) continue;
    // In the parameter's layout, in which an optimiser is fastest.
    at::Tensor sum = at::empty_like(parameters[i]);
    if (parts.size() == 1) {
      sum.copy_(parts[0].of_parameters[i]);
    } else {
      at::add_out(sum, parts[0].of_parameters[i], parts[1].of_parameters[i]);
    }
    for (std::size_t j = 2; j < parts.size(); ++j) sum.add_(parts[j].of_parameters[i]);
    at::Tensor& gradient = parameters[i].mutable_grad();
    if (gradient.defined()) sum.add_(gradient);
    gradient = sum;
  }
}

}  // namespace cdfss
