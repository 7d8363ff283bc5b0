// The frame path against the network that is trained.
#include "model/frame_network.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "asgnet_test_support.h"

namespace cdfss {
namespace {

constexpr int kSide = 73;  // h = 10

// The same network twice: a FrameNetwork takes its own apart.
Asgnet copy_of(Asgnet& network) {
  Asgnet copy(network->options());
  copy->eval();
  const at::NoGradGuard no_grad;
  const auto parameters = network->named_parameters();
  for (auto& item : copy->named_parameters()) item.value().copy_(parameters[item.key()]);
  const auto buffers = network->named_buffers();
  for (auto& item : copy->named_buffers()) item.value().copy_(buffers[item.key()]);
  return copy;
}

AsgnetOptions options_with(const char* backbone, bool prior) {
  return {.backbone = backbone,
          .memory_layers = {0, 1},
          .object_directions = prior ? 2 : 0,
          .background_directions = prior ? 3 : 0};
}

// Classifiers that start at zero would hide the decoder.
void randomise_classifiers(Asgnet& network) {
  const at::NoGradGuard no_grad;
  for (auto& item : network->named_parameters()) {
    if (item.key().starts_with("cls.3")) item.value().normal_(0.0, 0.5);
  }
}

double error(const at::Tensor& actual, const at::Tensor& expected) {
  return ((actual - expected).abs().max() / expected.abs().max()).item<double>();
}

class Backbones : public ::testing::TestWithParam<const char*> {};

TEST_P(Backbones, FeaturesAreTheNetworks) {
  Asgnet network = random_network(options_with(GetParam(), true));
  const at::NoGradGuard no_grad;
  const at::Tensor images = at::randn({2, 3, kSide, kSide});
  std::vector<Style> styles;
  network->backbone_features(images, std::nullopt, &styles);
  for (std::size_t i = 0; i < 2; ++i) network->memories()[i]->commit(styles[i]);
  FrameNetwork frames(copy_of(network), at::kFloat);
  for (const auto pick : {std::optional<Pick>(), std::optional(Pick::kHighest)}) {
    const at::Tensor expected = network->reduce(network->backbone_features(images, pick));
    EXPECT_LE(error(frames.features(images, pick), expected), 1e-4);
    EXPECT_LE(error(frames.features(images, pick), expected), 1e-4) << "a second time";
  }
}

INSTANTIATE_TEST_SUITE_P(All, Backbones,
                         ::testing::Values("resnet50-deep", "resnet50", "resnet50-caffe"));

// Several classes of two images at once, some with one prototype, some with many.
TEST(FrameNetwork, LogitsAreTheNetworks) {
  for (const bool prior : {false, true}) {
    Asgnet network = random_network(options_with("resnet50-caffe", prior));
    randomise_classifiers(network);
    const at::NoGradGuard no_grad;
    FrameNetwork frames(copy_of(network), at::kFloat);
    for (const int side : {6, 10, 60}) {
      const at::Tensor query = at::randn({2, 256, side, side});
      const std::vector<std::int64_t> image_of{0, 0, 1};
      std::vector<Prototypes> classes{random_prototypes(prior), random_prototypes(prior),
                                      random_prototypes(prior)};
      classes[1].foreground = at::randn({256, 1});
      classes[2] = concatenate({classes[0], classes[1], classes[2]});
      std::vector<ClassGuide> guides;
      for (const Prototypes& prototypes : classes) {
        guides.push_back(frames.decoder().guide(prototypes));
      }
      const at::Tensor both =
          network->decode(query.index_select(0, at::tensor(image_of)), classes, false).logits;
      const at::Tensor expected = both.select(1, 1) - both.select(1, 0);
      const at::Tensor actual =
          frames.decoder().logits(query, {&guides[0], &guides[1], &guides[2]}, image_of);
      ASSERT_EQ(actual.sizes(), expected.sizes());
      EXPECT_LE(error(actual, expected), 1e-4) << side;
      const at::Tensor alone = frames.decoder().logits(query.narrow(0, 1, 1), {&guides[2]}, {0});
      EXPECT_LE(error(alone[0], expected[2]), 1e-4) << side;
    }
  }
}

struct Precision {
  at::ScalarType dtype;
  double features, logits;  // error as a share of the largest
};

class Precisions : public ::testing::TestWithParam<Precision> {};

TEST_P(Precisions, StayNear) {
  const auto [dtype, of_features, of_logits] = GetParam();
  Asgnet network = random_network(options_with("resnet50-caffe", true));
  randomise_classifiers(network);
  const at::NoGradGuard no_grad;
  FrameNetwork frames(copy_of(network), dtype);
  const at::Tensor image = at::randn({1, 3, kSide, kSide});
  const at::Tensor expected = network->reduce(network->backbone_features(image, std::nullopt));
  EXPECT_LE(error(frames.features(image, std::nullopt).to(at::kFloat), expected), of_features);
  const Prototypes prototypes = random_prototypes(true);
  const ClassGuide guide = frames.decoder().guide(prototypes);
  const at::Tensor both = network->decode(expected, {prototypes}, false).logits;
  const at::Tensor logits = both.select(1, 1) - both.select(1, 0);
  const at::Tensor near = frames.decoder().logits(expected.to(dtype), {&guide}, {0});
  EXPECT_LE((near - logits).abs().mean().item<double>(),
            of_logits * logits.abs().max().item<double>());
}

// On the CPU, half takes the way without oneDNN, which is CUDA's, too.
INSTANTIATE_TEST_SUITE_P(All, Precisions,
                         ::testing::Values(Precision{at::kBFloat16, 0.05, 0.02},
                                           Precision{at::kHalf, 0.007, 0.003}));

// Memories behind floats, behind 8 bits, and none.
class QuantisedNetwork : public ::testing::TestWithParam<std::vector<int>> {};

TEST_P(QuantisedNetwork, StaysNear) {
  if (!QuantisedConvolution::available()) GTEST_SKIP() << "no int8 on this CPU or LibTorch";
  AsgnetOptions options = options_with("resnet50-caffe", true);
  options.memory_layers = GetParam();
  Asgnet network = random_network(options);
  randomise_classifiers(network);
  const at::NoGradGuard no_grad;
  const at::Tensor image = at::randn({1, 3, kSide, kSide});
  std::vector<Style> styles;
  network->backbone_features(image.flip(3) * 0.9, std::nullopt, &styles);
  for (std::size_t i = 0; i < styles.size(); ++i) network->memories()[i]->commit(styles[i]);
  FrameNetwork frames(copy_of(network), at::kFloat, /*quantised=*/true);
  const Prototypes prototypes = random_prototypes(true);
  const ClassGuide guide = frames.decoder().guide(prototypes);
  for (const auto pick : {std::optional<Pick>(), std::optional(Pick::kHighest)}) {
    const at::Tensor expected = network->reduce(network->backbone_features(image, pick));
    const at::Tensor both = network->decode(expected, {prototypes}, false).logits;
    const at::Tensor logits = both.select(1, 1) - both.select(1, 0);
    ActivationRanges ranges = frames.unknown_ranges();
    for (const char* when : {"learning", "learnt"}) {
      const at::Tensor features = frames.features(image, pick, &ranges);
      EXPECT_LE((features - expected).abs().mean().item<double>(),
                0.01 * expected.abs().max().item<double>())
          << when;
      EXPECT_GT((features - expected).abs().max().item<double>(), 0) << "it is not floats";
      const at::Tensor near = frames.decoder().logits(expected, {&guide}, {0}, &ranges);
      EXPECT_LE((near - logits).abs().mean().item<double>(),
                0.01 * logits.abs().max().item<double>())
          << when;
      ranges.finish();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, QuantisedNetwork,
                         ::testing::Values(std::vector<int>{}, std::vector<int>{0, 1},
                                           std::vector<int>{2, 3}));

}  // namespace
}  // namespace cdfss
