#include "training_step.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

#include "io/module_tensors.h"
#include "io_test_support.h"
#include "tensor/image_tensor.h"
#include "training_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::squares_batch;

Asgnet random_network(std::vector<int> memory_layers = {}, int directions = 0) {
  at::manual_seed(11);
  AsgnetOptions options;
  options.memory_layers = std::move(memory_layers);
  options.object_directions = directions;
  options.background_directions = directions;
  return Asgnet(options);
}

// No dropout of the reduction and no term but the segmentation, unless a test turns it on.
TrainingStepOptions plain() {
  return {.contrastive_weight = 0, .orthogonal_weight = 0, .reduction_dropout = 0};
}

OptimiserOptions adamw(double rate, bool train_backbone = false) {
  return {.kind = OptimiserKind::kAdamW,
          .learning_rate = rate,
          .scale = 1,
          .backbone_learning_rate = rate,
          .train_backbone = train_backbone};
}

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

StepLosses one_step(Asgnet& network, const TrainingStepOptions& options, const EpisodeBatch& batch,
                    const OptimiserOptions& optimiser_options) {
  Optimiser optimiser(network, optimiser_options);
  optimiser.set_step(1, 100);
  at::manual_seed(3);
  ProcessGroup alone;
  return TrainingStep(network, options, alone).run(batch, optimiser);
}

// Up to this share of their norms.
void expect_same_gradients(Asgnet& actual, Asgnet& expected, double tolerance) {
  const auto parameters = expected->named_parameters();
  for (const auto& item : actual->named_parameters()) {
    const at::Tensor &gradient = item.value().grad(), other = parameters[item.key()].grad();
    ASSERT_EQ(gradient.defined(), other.defined()) << item.key();
    if (!gradient.defined()) continue;
    EXPECT_LE((gradient - other).norm().item<double>(), tolerance * other.norm().item<double>())
        << item.key();
  }
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

// The batch with the network's features in place of its images.
EpisodeBatch encoded(Asgnet& network, EpisodeBatch batch, const EncodedParts& parts) {
  const at::NoGradGuard no_grad;
  network->eval();
  const auto encode_rows = [&](const at::Tensor& images, Encoded state) {
    at::Tensor x = normalise(images);
    if (state == Encoded::kWholly) return network->backbone_features(x, std::nullopt);
    for (int i = 0; i <= network->unstyled_stage(); ++i) x = network->backbone()->stage(i, x);
    return x;
  };
  batch.query = encode_rows(batch.query, parts.query);
  batch.support = encode_rows(batch.support, parts.support);
  if (batch.transformed.defined()) {
    batch.transformed = encode_rows(batch.transformed, parts.transformed);
  }
  batch.encoded = parts;
  return batch;
}

struct CachedMethod {
  std::vector<int> memory_layers;
  bool enhance_query;
  EncodedParts parts;
};
class CachedFeatures : public ::testing::TestWithParam<CachedMethod> {};

TEST_P(CachedFeatures, GiveTheStepOfTheirImages) {
  const auto& [memory_layers, enhance_query, parts] = GetParam();
  const EpisodeBatch images = squares_batch(3, /*transformed_view=*/true);
  TrainingStepOptions options = plain();
  options.contrastive_weight = 1;
  options.orthogonal_weight = 1;
  options.reduction_dropout = 0.5;
  options.enhance_query = enhance_query;
  Asgnet expected = random_network(memory_layers), actual = random_network(memory_layers);
  const EpisodeBatch features = encoded(actual, images, parts);
  for (int step = 0; step < 2; ++step) {  // with the memories empty, then filled
    const StepLosses a = one_step(expected, options, images, adamw(0));
    const StepLosses b = one_step(actual, options, features, adamw(0));
    EXPECT_NEAR(b.segmentation, a.segmentation, 1e-5);
    EXPECT_NEAR(b.contrastive, a.contrastive, 1e-5);
    expect_same_gradients(actual, expected, 1e-3);
  }
  const auto tensors = module_tensors(*expected);
  for (const auto& [name, tensor] : module_tensors(*actual)) {
    EXPECT_TRUE(at::allclose(tensor, tensors.at(name), 1e-4, 1e-5)) << name;
  }
}
INSTANTIATE_TEST_SUITE_P(
    Methods, CachedFeatures,
    ::testing::Values(
        CachedMethod{{}, false, {Encoded::kWholly, Encoded::kWholly, Encoded::kWholly}},
        CachedMethod{{0, 1}, false, {Encoded::kWholly, Encoded::kPartly, Encoded::kPartly}},
        CachedMethod{{1}, true, {Encoded::kPartly, Encoded::kPartly, Encoded::kPartly}},
        CachedMethod{{3}, false, {Encoded::kWholly, Encoded::kPartly, Encoded::kPartly}}));

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

// All dropout is on. With the prior, prototypes carry gradient behind the decoder.
TEST(TrainingStep, ThreadsThatShareTheEpisodesTakeTheStepOfOne) {
  const int before = at::get_num_threads();
  const EpisodeBatch batch = squares_batch(4, /*transformed_view=*/true);
  TrainingStepOptions options = plain();
  options.contrastive_weight = 1;
  options.orthogonal_weight = 1;
  options.reduction_dropout = 0.5;
  for (const int directions : {0, 3}) {
    Asgnet one = random_network({0, 1}, directions), two = random_network({0, 1}, directions),
           again = random_network({0, 1}, directions);
    for (int step = 0; step < 2; ++step) {  // with the memories empty, then filled
      at::set_num_threads(1);
      const StepLosses expected = one_step(one, options, batch, adamw(0));
      at::set_num_threads(2);
      const StepLosses actual = one_step(two, options, batch, adamw(0));
      EXPECT_EQ(one_step(again, options, batch, adamw(0)).total, actual.total);
      EXPECT_NEAR(actual.segmentation, expected.segmentation, 1e-5);
      EXPECT_NEAR(actual.auxiliary, expected.auxiliary, 1e-5);
      EXPECT_NEAR(actual.contrastive, expected.contrastive, 1e-5);
      expect_same_gradients(two, one, 1e-3);
      expect_same_gradients(again, two, 0);  // to the bit
    }
  }
  at::set_num_threads(before);
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
