// What a run is made of besides its steps: options, schedule, start, calibration.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "amplitude_mix.h"
#include "calibration.h"
#include "checkpoint.h"
#include "inference_copy.h"
#include "io_test_support.h"
#include "reduction_init.h"
#include "train_options.h"
#include "training_batches.h"
#include "training_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::kSide;
using testing::squares_batch;
using testing::SquaresDataset;
using testing::TemporaryFolder;

TrainOptions parse(std::vector<std::string> arguments) {
  CLI::App app;
  TrainOptions options;
  TrainOptionTexts texts;
  add_train_options(app, options, texts);
  arguments.insert(arguments.end(), {"--data", "folder:d", "--output", "o"});
  std::ranges::reverse(arguments);  // as CLI11 wants them
  app.parse(arguments);
  finish_options(options, texts);
  return options;
}

TEST(TrainOptions, DefaultsAreThePapers) {
  const TrainOptions options = parse({});
  EXPECT_EQ(options.augmentation.size, 473);
  EXPECT_EQ(options.augmentation.scale_min, 0.9);
  EXPECT_EQ(options.augmentation.scale_max, 1.1);
  EXPECT_EQ(options.batch, 12);
  EXPECT_EQ(options.epochs, 20);
  EXPECT_EQ(options.amplitude_mix, 0);
  EXPECT_EQ(options.shots, 1);
  EXPECT_EQ(options.seed, 321U);
  EXPECT_EQ(options.network.backbone, "resnet50-caffe");
  EXPECT_EQ(options.network.memory_layers, (std::vector<int>{0, 1}));
  EXPECT_EQ(options.network.memory.slots, 10);
  EXPECT_EQ(options.network.memory.update, MemoryUpdate::kNearest);
  EXPECT_FALSE(options.network.has_prior());
  EXPECT_EQ(options.target_enhancement, TargetEnhancement::kBoth);
  EXPECT_EQ(options.optimiser.kind, OptimiserKind::kSgd);
  EXPECT_EQ(options.optimiser.schedule, Schedule::kPoly);
  EXPECT_EQ(options.optimiser.learning_rate, 0.0025);
  EXPECT_EQ(options.optimiser.scale, 10);
  EXPECT_EQ(options.optimiser.momentum, 0.9);
  EXPECT_EQ(options.optimiser.weight_decay, 1e-4);
  EXPECT_EQ(options.step.contrastive_weight, 1);
  EXPECT_EQ(options.step.orthogonal_weight, 1);
  EXPECT_EQ(options.step.temperature, 1);
  EXPECT_EQ(options.step.reduction_dropout, 0.5);
  EXPECT_TRUE(options.step.enhance_support);
  EXPECT_FALSE(options.step.enhance_query);
  EXPECT_FALSE(options.step.prototype_gradient);
  EXPECT_EQ(options.step.encoder.style_shift, StyleShift::kMemory);
  EXPECT_EQ(options.network.memory.lookup, MemoryLookup::kStored);
  EXPECT_EQ(options.network.memory.retention, 0.1);
  EXPECT_FALSE(options.network.memory.beta_retention);
  EXPECT_FALSE(options.step.encoder.train_backbone);
  EXPECT_FALSE(options.step.encoder.train_batch_norm);
}

TEST(TrainOptions, WordsBecomeValues) {
  const TrainOptions options =
      parse({"--memory-layers", "none", "--optimiser", "adamw", "--schedule", "cosine",
             "--memory-update", "paper", "--memory-init", "random", "--source-enhancement", "query",
             "--bn", "train", "--precision", "bf16", "--train-backbone", "--held-out", "5,2"});
  EXPECT_TRUE(options.network.memory_layers.empty());
  EXPECT_EQ(options.target_enhancement, TargetEnhancement::kNone);
  EXPECT_EQ(options.optimiser.kind, OptimiserKind::kAdamW);
  EXPECT_EQ(options.optimiser.schedule, Schedule::kCosine);
  EXPECT_EQ(options.network.memory.update, MemoryUpdate::kPaper);
  EXPECT_EQ(options.network.memory.init, MemoryInit::kRandom);
  EXPECT_FALSE(options.step.enhance_support);
  EXPECT_TRUE(options.step.enhance_query);
  EXPECT_TRUE(options.step.encoder.train_batch_norm);
  EXPECT_EQ(options.step.encoder.precision, at::kBFloat16);
  EXPECT_FALSE(options.optimiser.scale_loss);
  EXPECT_TRUE(options.step.encoder.train_backbone);
  EXPECT_EQ(options.held_out, (std::vector<int>{5, 2}));
}

TEST(TrainOptions, RefusesWhatDoesNotFit) {
  const std::vector<std::vector<std::string>> cases{
      {"--input-size", "474"},
      {"--memory-layers", "0,4"},
      {"--memory-layers", "0;1"},
      {"--held-out", "1,0"},
      {"--held-out", "5,5"},
      {"--held-out", "5,0", "--validation", "folder:v"},
      {"--scale-min", "1.2", "--scale-max", "1.1"},
      {"--calibrate"},
      {"--epochs", "3", "--steps", "5"},
      {"--batch", "0"},
      {"--optimiser", "adam"},
      {"--object-directions", "5"},
      {"--pca-init", "100"},
      {"--amplitude-mix", "0.6"},
      {"--amplitude-mix", "0.01", "--batch", "1"},
      {"--amplitude-mix", "0.01", "--contrastive-weight", "0"},
      {"--amplitude-mix", "0.01", "--feature-cache", "2"},
      {"--feature-cache", "2", "--bn", "train"},
      {"--feature-cache", "2", "--train-backbone"},
      {"--feature-cache", "2", "--enhance-with", "mixstyle"},
      {"--feature-cache", "2", "--enhance-with", "mixup"},
  };
  for (const auto& arguments : cases) {
    EXPECT_THROW(parse(arguments), CLI::ParseError) << arguments.front() << " " << arguments.back();
  }
  EXPECT_NO_THROW(parse({"--feature-cache", "2"}));
  EXPECT_NO_THROW(parse({"--amplitude-mix", "0.01", "--batch", "2"}));
}

AsgnetOptions without_memory(int directions = 0) {
  AsgnetOptions options;
  options.memory_layers = {};
  options.object_directions = directions;
  options.background_directions = directions;
  return options;
}

TEST(TrainingBatches, MixAmplitudesOfTheSameShotOfTheNextEpisode) {
  TrainOptions options;
  options.augmentation.size = kSide;
  options.batch = 3;
  options.shots = 2;
  const auto first_batch = [&](double amplitude_mix) {
    options.amplitude_mix = amplitude_mix;
    Asgnet without_cache(nullptr);
    return TrainingBatches(options, std::make_shared<SquaresDataset>(), without_cache, {}, {}, {})
        .next();
  };
  const EpisodeBatch plain = first_batch(0), mixed = first_batch(0.1);
  EXPECT_TRUE(mixed.support.equal(plain.support));
  EXPECT_TRUE(mixed.transformed.equal(mix_amplitudes(plain.transformed, 2, 0.1)));
  EXPECT_FALSE(mixed.transformed.equal(plain.transformed));
}

TEST(Optimiser, RatesFollowTheSchedule) {
  Asgnet network(without_memory());
  Optimiser poly(network, {});
  poly.set_step(1, 4);
  EXPECT_NEAR(poly.learning_rate(), 0.025 * std::pow(0.75, 0.9), 1e-12);
  poly.set_step(4, 4);
  EXPECT_EQ(poly.learning_rate(), 0);
  Optimiser cosine(network,
                   {.schedule = Schedule::kCosine, .learning_rate = 0.5, .scale = 2, .warmup = 4});
  cosine.set_step(50, 100);
  EXPECT_NEAR(cosine.learning_rate(), 0.5, 1e-12);
  cosine.set_step(1, 100);  // a quarter of cos^2(pi / 200)
  EXPECT_NEAR(cosine.learning_rate(), 0.25 * std::pow(std::cos(M_PI / 200), 2), 1e-12);
}

TEST(Optimiser, EachPartLearnsAtItsRate) {
  AsgnetOptions with_all = without_memory(2);
  with_all.memory_layers = {0};
  Asgnet network(with_all);
  // Plain SGD without decay: a gradient of 1 moves a parameter by its rate.
  Optimiser optimiser(network, {.learning_rate = 0.01,
                                .scale = 10,
                                .reduction_scale = 0.5,
                                .backbone_learning_rate = 0.002,
                                .momentum = 0,
                                .weight_decay = 0,
                                .train_backbone = true});
  std::map<std::string, at::Tensor> before;
  for (const auto& item : network->named_parameters()) {
    before[item.key()] = item.value().detach().clone();
    item.value().mutable_grad() = at::ones_like(item.value());
  }
  optimiser.set_step(0, 10);
  optimiser.step();
  const auto after = network->named_parameters();
  const auto moved = [&](const char* name) {
    return (before.at(name) - after[name].detach()).mean().item<double>();
  };
  EXPECT_NEAR(moved("cls.0.weight"), 0.1, 1e-5);
  EXPECT_NEAR(moved("prior_scale"), 0.1, 1e-5);
  EXPECT_NEAR(moved("down_conv.0.weight"), 0.05, 1e-5);
  EXPECT_NEAR(moved("memory.0.mean"), 0.01, 1e-5);
  EXPECT_NEAR(moved("layer2.0.conv1.weight"), 0.002, 1e-5);
}

TEST(ReductionInit, CentresAndScalesItsFeatures) {
  at::manual_seed(4);
  Asgnet network(without_memory(2));
  EpisodeBatch batch = squares_batch(2);
  batch.encoded.query = Encoded::kWholly;
  // More pixels than channels, with a mean and a spread that differ between channels.
  batch.query = at::randn({2, 1536, 6, 6}) * at::linspace(0.1, 2, 1536).view({1, -1, 1, 1}) +
                at::linspace(-3, 3, 1536).view({1, -1, 1, 1});
  batch.query_label = at::zeros({2, kSide, kSide}, at::kByte);
  initialise_reduction(network, [&] { return batch; }, 2, at::kFloat);
  network->eval();
  const at::NoGradGuard no_grad;
  const at::Tensor reduced = network->reduce(batch.query).permute({0, 2, 3, 1}).flatten(0, 2);
  EXPECT_LT(reduced.mean(0).abs().max().item<double>(), 1e-3);
  EXPECT_NEAR(reduced.pow(2).sum(1).mean().sqrt().item<double>(), 16, 0.05);
  // Principal components are uncorrelated.
  const at::Tensor covariance = reduced.t().matmul(reduced) / reduced.size(0);
  const at::Tensor off = covariance - at::diag(covariance.diagonal());
  EXPECT_LT(off.abs().max().item<double>(), 1e-2 * covariance.max().item<double>());
}

TEST(ReductionInit, LeavesPaddingOut) {
  Asgnet network(without_memory(2));
  EpisodeBatch batch = squares_batch(2);
  batch.encoded.query = Encoded::kWholly;
  batch.query = at::randn({2, 1536, 6, 6});
  batch.query_label = at::zeros({2, kSide, kSide}, at::kByte);
  batch.query_label.slice(1, 33).fill_(255);  // the last row of the feature grid
  const auto start = [&] {
    initialise_reduction(network, [&] { return batch; }, 2, at::kFloat);
    return network->named_parameters()["down_conv.0.bias"].detach().clone();
  };
  const at::Tensor bias = start();
  batch.query.slice(2, 5).fill_(1e3);
  EXPECT_TRUE(at::equal(start(), bias));
}

TEST(ReductionInit, NeedsABias) {
  Asgnet network(without_memory());
  expect_error(ErrorCode::kInvalidValue, {"bias", "similarity prior"}, [&] {
    initialise_reduction(network, [] { return squares_batch(1); }, 1, at::kFloat);
  });
}

TEST(CalibrateThreshold, FindsTheLastOneThatShowsTheObject) {
  Asgnet network(without_memory());
  {
    // Every pixel has foreground probability 0.32.
    const at::NoGradGuard no_grad;
    auto parameters = network->named_parameters();
    parameters["cls.3.weight"].zero_();
    parameters["cls.3.bias"].zero_();
    parameters["cls.3.bias"][1].fill_(std::log(0.32 / 0.68));
  }
  const Calibration result = calibrate_threshold(network, std::make_shared<SquaresDataset>(),
                                                 {.episodes = 3, .shots = 1, .input_size = kSide});
  // 24 x 24 of the 72 x 63 pixels that are not ignored; all lower thresholds score the same.
  EXPECT_NEAR(result.threshold, 0.3, 1e-6);
  EXPECT_NEAR(result.miou, 24.0 * 24 / (72 * 63), 1e-9);
}

TEST(InferenceCopy, AnswersAsTheNetworkAndSharesNothing) {
  at::manual_seed(8);
  Asgnet network(without_memory(2));
  network->eval();
  Asgnet copy = inference_copy(network, at::kFloat);
  const at::NoGradGuard no_grad;
  const at::Tensor images = at::randn({1, 3, kSide, kSide});
  const at::Tensor expected = network->backbone_features(images, std::nullopt);
  for (at::Tensor& parameter : network->parameters()) parameter.fill_(1);
  EXPECT_TRUE(at::allclose(copy->backbone_features(images, std::nullopt), expected, 1e-3,
                           1e-4 * expected.abs().max().item<double>()));
}

class InitialNetwork : public ::testing::Test {
 protected:
  // A start model without memory, with the prior.
  void SetUp() override {
    at::manual_seed(21);
    Asgnet network(without_memory(3));
    ModelInfo info;
    info.input_size = kSide;
    save_model(folder_ / "start.safetensors", network, info, Storage::kFloat32);
    weight_ = network->named_parameters()["down_conv.0.weight"].detach().clone();
    options_.init_from = folder_ / "start.safetensors";
  }
  TemporaryFolder folder_;
  at::Tensor weight_;
  TrainOptions options_;
};

TEST_F(InitialNetwork, GainsAMemoryAndKeepsThePrior) {
  Asgnet network = initial_network(options_);
  EXPECT_EQ(network->memories().size(), 2U);
  EXPECT_TRUE(network->memories()[0]->empty());
  EXPECT_EQ(network->options().object_directions, 3);
  EXPECT_TRUE(at::equal(network->named_parameters()["down_conv.0.weight"], weight_));
}

TEST_F(InitialNetwork, TakesOtherDirectionsWhenAsked) {
  options_.network.object_directions = 1;
  options_.network.background_directions = 10;
  EXPECT_EQ(initial_network(options_)->options().background_directions, 10);
}

TEST_F(InitialNetwork, RefusesAnotherBackbone) {
  options_.network.backbone = "resnet50";
  expect_error(ErrorCode::kInvalidValue, {"start.safetensors", "resnet50-caffe", "--backbone"},
               [&] { initial_network(options_); });
}

TEST_F(InitialNetwork, RefusesAMemoryOfAnotherSize) {
  Asgnet filled = initial_network(options_);
  ModelInfo info;
  info.input_size = kSide;
  save_model(folder_ / "memory.safetensors", filled, info, Storage::kFloat32);
  options_.init_from = folder_ / "memory.safetensors";
  options_.network.memory.slots = 4;
  expect_error(ErrorCode::kInvalidValue, {"memory.0.", "--memory-slots"},
               [&] { initial_network(options_); });
}

TEST_F(InitialNetwork, TheSeedDecidesARandomOne) {
  options_.init_from.clear();
  const auto weight = [&] {
    return initial_network(options_)->named_parameters()["cls.0.weight"].detach().clone();
  };
  const at::Tensor first = weight();
  EXPECT_TRUE(at::equal(weight(), first));
  options_.seed = 1;
  EXPECT_FALSE(at::equal(weight(), first));
}

}  // namespace
}  // namespace cdfss
