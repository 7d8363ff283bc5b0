#include "protocol_plan.h"

#include "data/episode_sampler.h"
#include "protocol_model.h"

namespace cdfss {
namespace {

FoldPlan plan_fold_model(const TransferPlan& plan, const std::string& model, int fold) {
  FoldPlan result;
  result.fold = fold;
  result.model = model_of_fold(model, plan.transfer, fold);
  result.info = read_model_info(result.model);
  result.training_source = training_source(result.model, result.info);
  if (plan.model_for_each_fold) {
    require_fold(result.model, result.training_source, plan.transfer, fold);
  }
  return result;
}

}  // namespace

int TransferPlan::episodes() const {
  return static_cast<int>(folds.size()) * options.runs * options.episodes;
}

FoldData open_fold(const EvalOptions& options, const Transfer& transfer, int fold,
                   ProtocolData& data) {
  data.require(transfer);
  const auto all = data.open(transfer, fold);
  auto decisions = decide_classes(transfer, fold, all->classes(), options.class_fold_table(),
                                  options.keep_classes);
  auto dataset = keep_named_classes(all, names_in(decisions));
  return {.spec = data.spec(transfer, fold),
          .dataset = std::move(dataset),
          .decisions = std::move(decisions)};
}

TransferPlan plan_transfer(const EvalOptions& options, const Transfer& transfer,
                           const std::string& model, int shots, ProtocolData& data) {
  TransferPlan plan{.transfer = transfer,
                    .options = options,
                    .model_for_each_fold = has_fold_placeholder(model),
                    .folds = {}};
  plan.options.shots = shots;
  data.require(transfer);
  // Model headers first: they are read in no time, datasets are not.
  for (int fold = 0; fold < transfer.folds; ++fold) {
    if (options.fold.value_or(fold) != fold) continue;
    plan.folds.push_back(plan_fold_model(plan, model, fold));
  }
  for (FoldPlan& fold : plan.folds) {
    fold.data = open_fold(options, transfer, fold.fold, data);
    EpisodeSampler(fold.data.dataset, {.shots = shots}, options.seed);  // throws if it cannot draw
  }
  return plan;
}

}  // namespace cdfss
