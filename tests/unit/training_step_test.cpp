#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

#include "io/module_tensors.h"
#include "io_test_support.h"
#include "tensor/image_tensor.h"
#include "training_step_test_support.h"

namespace cdfss {
namespace {

using testing::adamw;
using testing::expect_error;
using testing::one_step;
using testing::plain;
using testing::random_network;
using testing::squares_batch;

std::map<std::string, at::Tensor> snapshot(Asgnet& network) {
  std::map<std::string, at::Tensor> copies;
  for (const auto& [name, tensor] : module_tensors(*network)) copies[name] = tensor.clone();
  return copies;
}

// Names of the tensors that changed since `before`.
std::vector<std::string> changed(Asgnet& network, const std::map<std::string, at::Tensor>& before) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : module_tensors(*network)) {
    if (!at::equal(tensor, before.at(name))) names.push_back(name);
  }
  return names;
}

bool any_starts_with(const std::vector<std::string>& names, const std::string& prefix) {
  return std::ranges::any_of(names,
                             [&](const std::string& name) { return name.starts_with(prefix); });
}

class OverfitsABatch : public ::testing::TestWithParam<std::pair<int, bool>> {};

TEST_P(OverfitsABatch, InAFewSteps) {
  const auto [directions, bf16] = GetParam();
  Asgnet network = random_network({}, directions);
  TrainingStepOptions options = plain();
  options.encoder.precision = bf16 ? at::kBFloat16 : at::kFloat;
  Optimiser optimiser(network, adamw(1e-3));
  ProcessGroup alone;
  TrainingStep step(network, options, alone);
  const EpisodeBatch batch = squares_batch(2);
  std::vector<double> losses;
  for (int i = 1; i <= 12; ++i) {
    optimiser.set_step(i, 100);
    losses.push_back(step.run(batch, optimiser).total);
  }
  EXPECT_LT(losses.back(), 0.85 * losses.front());
}
INSTANTIATE_TEST_SUITE_P(Networks, OverfitsABatch,
                         ::testing::Values(std::pair{0, false}, std::pair{0, true},
                                           std::pair{3, false}, std::pair{3, true}));

TEST(TrainingStep, Float16WithAScaledLossTakesTheStepOfSinglePrecision) {
  const EpisodeBatch batch = squares_batch(2);
  const auto step_of = [&](at::ScalarType precision, Asgnet& network) {
    TrainingStepOptions options = plain();
    options.encoder.precision = precision;
    // SGD, whose step, unlike AdamW's, is as large as the gradient.
    OptimiserOptions optimiser{.learning_rate = 0.1, .scale = 1, .weight_decay = 0};
    optimiser.scale_loss = precision == at::kHalf;
    return one_step(network, options, batch, optimiser);
  };
  Asgnet network = random_network(), half_network = random_network();
  const at::Tensor start = network->parameters().back().detach().clone();
  step_of(at::kFloat, network);
  const StepLosses losses = step_of(at::kHalf, half_network);
  EXPECT_EQ(losses.scale, 65536);
  EXPECT_FALSE(losses.skipped);
  const at::Tensor step = network->parameters().back() - start;
  const at::Tensor half_step = half_network->parameters().back() - start;
  EXPECT_GT(step.norm().item<double>(), 0);
  EXPECT_LT((half_step - step).norm().item<double>(), 0.02 * step.norm().item<double>());
}

TEST(TrainingStep, OverflowingGradientsLeaveTheParametersAsTheyWere) {
  Asgnet network = random_network();
  TrainingStepOptions options = plain();
  options.encoder.precision = at::kHalf;
  OptimiserOptions optimiser_options = adamw(1e-3);
  optimiser_options.scale_loss = true;
  Optimiser optimiser(network, optimiser_options);
  std::map<std::string, at::Tensor> state = optimiser.state();
  state["loss_scaler.scale"] = at::full({1}, 0x1p60F);
  optimiser.set_state(state, "state");
  optimiser.set_step(1, 100);
  const auto before = snapshot(network);
  ProcessGroup alone;
  const StepLosses losses = TrainingStep(network, options, alone).run(squares_batch(2), optimiser);
  EXPECT_TRUE(losses.skipped);
  EXPECT_EQ(optimiser.loss_scale(), 0x1p59);
  EXPECT_EQ(changed(network, before), std::vector<std::string>{});
}

TEST(TrainingStep, TrainsOnlyReductionAndDecoderOfAFrozenBackbone) {
  Asgnet network = random_network();
  const auto before = snapshot(network);
  one_step(network, plain(), squares_batch(2), adamw(1e-3));
  const std::vector<std::string> names = changed(network, before);
  EXPECT_FALSE(any_starts_with(names, "layer"));
  for (const char* part :
       {"down_conv", "corr_conv", "alpha_conv", "beta_conv", "inner_cls", "res1", "res2", "cls"}) {
    EXPECT_TRUE(any_starts_with(names, part)) << part;
  }
}

TEST(TrainingStep, ContrastiveGradientReachesTheReductionAlone) {
  const EpisodeBatch batch = squares_batch(4, /*transformed_view=*/true);
  Asgnet without = random_network();
  const StepLosses plain_losses = one_step(without, plain(), batch, adamw(0));
  Asgnet with = random_network();
  TrainingStepOptions options = plain();
  options.contrastive_weight = 1;
  const StepLosses losses = one_step(with, options, batch, adamw(0));

  EXPECT_EQ(plain_losses.contrastive, 0);
  EXPECT_GT(losses.contrastive, 0);
  EXPECT_NEAR(losses.total, plain_losses.total + losses.contrastive, 1e-5);
  const auto expected = without->named_parameters();
  for (const auto& item : with->named_parameters()) {
    const at::Tensor& gradient = item.value().grad();
    const at::Tensor& other = expected[item.key()].grad();
    if (item.key().starts_with("layer")) {
      EXPECT_FALSE(gradient.defined()) << item.key();
    } else if (item.key().starts_with("down_conv")) {
      EXPECT_GT((gradient - other).abs().max().item<double>(), 0) << item.key();
    } else {
      EXPECT_TRUE(at::allclose(gradient, other, 1e-4, 1e-7)) << item.key();
    }
  }
}

TEST(TrainingStep, MemoryLearnsTheUntransformedSupportAfterTheStep) {
  const EpisodeBatch batch = squares_batch(3, /*transformed_view=*/true);
  Asgnet network = random_network({0, 1});
  TrainingStepOptions options = plain();
  options.contrastive_weight = 1;
  network->eval();
  at::Tensor layer0, layer1;
  {
    const at::NoGradGuard no_grad;
    layer0 = network->backbone()->stage(0, normalise(batch.support));
    layer1 = network->backbone()->stage(1, layer0);  // an empty memory changes nothing
  }
  one_step(network, options, batch, adamw(1e-3));
  const auto tensors = module_tensors(*network);
  EXPECT_EQ(tensors.at("memory.0.filled").item<std::int64_t>(), 3);
  EXPECT_TRUE(
      at::allclose(tensors.at("memory.0.mean").slice(0, 0, 3), style_of(layer0).mean, 1e-3, 1e-4));
  EXPECT_TRUE(
      at::allclose(tensors.at("memory.1.std").slice(0, 0, 3), style_of(layer1).std, 1e-3, 1e-4));
}

TEST(TrainingStep, EnhancementUsesTheMemoryThatWasBefore) {
  const EpisodeBatch batch = squares_batch(2);
  Asgnet on = random_network({0});
  Asgnet off = random_network({0});
  TrainingStepOptions without = plain();
  without.enhance_support = false;
  // The first lookup meets an empty memory: no difference. The second does not.
  EXPECT_DOUBLE_EQ(one_step(on, plain(), batch, adamw(0)).total,
                   one_step(off, without, batch, adamw(0)).total);
  EXPECT_FALSE(off->memories()[0]->empty());
  EXPECT_NE(one_step(on, plain(), batch, adamw(0)).total,
            one_step(off, without, batch, adamw(0)).total);
}

TEST(TrainingStep, OrthogonalLossCountsOnceTheMemoryIsFilled) {
  const EpisodeBatch batch = squares_batch(2);
  Asgnet network = random_network({0, 1});
  TrainingStepOptions options = plain();
  options.orthogonal_weight = 1;
  EXPECT_EQ(one_step(network, options, batch, adamw(0)).orthogonal, 0);
  const double expected = network->memories()[0]->orthogonal_loss().item<double>() +
                          network->memories()[1]->orthogonal_loss().item<double>();
  EXPECT_NEAR(one_step(network, options, batch, adamw(0)).orthogonal, expected, 1e-5);
}

TEST(TrainingStep, BatchNormKeepsItsStatisticsUnlessTrained) {
  const EpisodeBatch batch = squares_batch(2);
  Asgnet network = random_network();
  const auto before = snapshot(network);
  one_step(network, plain(), batch, adamw(1e-3));
  EXPECT_TRUE(at::equal(module_tensors(*network).at("layer0.1.running_mean"),
                        before.at("layer0.1.running_mean")));
  TrainingStepOptions options = plain();
  options.encoder.train_batch_norm = true;
  one_step(network, options, batch, adamw(1e-3));
  EXPECT_FALSE(at::equal(module_tensors(*network).at("layer0.1.running_mean"),
                         before.at("layer0.1.running_mean")));
}

TEST(TrainingStep, TrainsTheBackboneWhenAsked) {
  for (const at::ScalarType precision : {at::kFloat, at::kBFloat16}) {
    Asgnet network = random_network();
    TrainingStepOptions options = plain();
    options.encoder.train_backbone = true;
    options.encoder.precision = precision;
    const auto before = snapshot(network);
    one_step(network, options, squares_batch(2), adamw(1e-4, true));
    const std::vector<std::string> names = changed(network, before);
    for (const char* part :
         {"layer0.0.weight", "layer1.0.conv1", "layer2.3.bn2", "layer3.5.conv3", "down_conv"}) {
      EXPECT_TRUE(any_starts_with(names, part)) << part << " " << precision;
    }
  }
}

// A frozen backbone runs with BatchNorm folded in: the same function.
TEST(TrainingStep, TheFoldedBackboneGivesTheLossOfTheOneThatIsTrained) {
  const EpisodeBatch batch = squares_batch(2, /*transformed_view=*/true);
  Asgnet network = random_network({0, 1});
  {
    const at::NoGradGuard no_grad;  // BatchNorm that does something
    for (const auto& [name, tensor] : module_tensors(*network)) {
      if (name.ends_with("running_mean")) at::Tensor(tensor).uniform_(-0.5, 0.5);
      if (name.ends_with("running_var")) at::Tensor(tensor).uniform_(0.5, 2);
    }
  }
  TrainingStepOptions options = plain();
  options.contrastive_weight = 1;
  const double folded = one_step(network, options, batch, adamw(0)).total;
  for (MetaMemory& memory : network->memories()) {  // empty again
    for (const auto& [name, tensor] : module_tensors(*memory)) {
      const at::NoGradGuard no_grad;
      at::Tensor(tensor).zero_();
    }
  }
  options.encoder.train_backbone = true;
  EXPECT_NEAR(one_step(network, options, batch, adamw(0, true)).total, folded, 1e-4 * folded);
}

TEST(TrainingStep, TheQueryIsEnhancedOnlyWhenAsked) {
  const EpisodeBatch batch = squares_batch(2);
  Asgnet network = random_network({0});
  one_step(network, plain(), batch, adamw(0));  // fills the memory
  TrainingStepOptions options = plain();
  options.enhance_support = false;
  const auto loss = [&] {
    Asgnet copy = network;
    return one_step(copy, options, batch, adamw(0)).total;
  };
  const double none = loss();
  options.enhance_query = true;
  EXPECT_NE(loss(), none);
}

TEST(TrainingStep, MixUpAndMixStyleChangeTheSupport) {
  const EpisodeBatch batch = squares_batch(3);
  const double none = [&] {
    Asgnet network = random_network();
    return one_step(network, plain(), batch, adamw(0)).total;
  }();
  for (const StyleShift shift : {StyleShift::kMixUp, StyleShift::kMixStyle}) {
    TrainingStepOptions options = plain();
    options.encoder.style_shift = shift;
    options.encoder.mixing_layers = {0, 1};
    Asgnet network = random_network();
    EXPECT_NE(one_step(network, options, batch, adamw(0)).total, none);
    options.enhance_support = false;
    EXPECT_DOUBLE_EQ(one_step(network, options, batch, adamw(0)).total, none);
  }
}

TEST(TrainingStep, PrototypesCarryGradientWhenAsked) {
  const EpisodeBatch batch = squares_batch(2);
  TrainingStepOptions options = plain();
  Asgnet without = random_network();
  one_step(without, options, batch, adamw(0));
  options.prototype_gradient = true;
  Asgnet with = random_network();
  one_step(with, options, batch, adamw(0));
  const at::Tensor gradient = with->named_parameters()["down_conv.0.weight"].grad();
  EXPECT_TRUE(at::isfinite(gradient).all().item<bool>());
  EXPECT_FALSE(at::allclose(gradient, without->named_parameters()["down_conv.0.weight"].grad()));
}

TEST(TrainingStep, ANonFiniteLossNamesTheEpisodesAndChangesNothing) {
  const EpisodeBatch batch = squares_batch(2);
  Asgnet network = random_network({0});
  {
    const at::NoGradGuard no_grad;
    network->named_parameters()["cls.3.bias"].fill_(std::numeric_limits<float>::quiet_NaN());
  }
  const auto before = snapshot(network);
  expect_error(ErrorCode::kInference, {"not finite", batch.descriptions[0], batch.descriptions[1]},
               [&] { one_step(network, plain(), batch, adamw(1e-3)); });
  EXPECT_EQ(changed(network, before), std::vector<std::string>{"cls.3.bias"});  // NaN != NaN
}

}  // namespace
}  // namespace cdfss
