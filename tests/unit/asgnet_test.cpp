#include "model/asgnet.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <string>
#include <utility>
#include <vector>

#include "asgnet_test_support.h"
#include "cdfss/error.h"
#include "model/superpixel_clustering.h"
#include "model/unset_weights.h"
#include "tensor/pixel_set.h"

namespace cdfss {
namespace {

constexpr int kSide = 41;  // h = 6

class Layouts : public ::testing::TestWithParam<const char*> {};

TEST_P(Layouts, GiveFeaturesAtAnEighthOfTheInput) {
  Asgnet network = random_network({.backbone = GetParam(), .memory_layers = {}});
  const at::NoGradGuard no_grad;
  const at::Tensor features =
      network->backbone_features(at::randn({2, 3, kSide, kSide}), std::nullopt);
  EXPECT_EQ(features.sizes(), (std::vector<std::int64_t>{2, 1536, 6, 6}));
  EXPECT_EQ(network->reduce(features).sizes(), (std::vector<std::int64_t>{2, 256, 6, 6}));
}

// Folding changes the arithmetic, not the function.
TEST_P(Layouts, FoldedBatchNormGivesTheSameFeatures) {
  Asgnet network = random_network({.backbone = GetParam(), .memory_layers = {}});
  const at::NoGradGuard no_grad;
  const at::Tensor images = at::randn({1, 3, kSide, kSide});
  const at::Tensor before = network->backbone_features(images, std::nullopt);
  network->prepare_inference(at::kFloat);
  const at::Tensor after = network->backbone_features(images, std::nullopt);
  EXPECT_LE((after - before).abs().max().item<float>(), 1e-4F * before.abs().max().item<float>());
}

INSTANTIATE_TEST_SUITE_P(All, Layouts,
                         ::testing::Values("resnet50-deep", "resnet101-deep", "resnet50",
                                           "resnet101", "resnet50-caffe"));

TEST(Asgnet, TheLayoutsOfOneShapeDifferInWhereTheyStride) {
  Asgnet torchvision = random_network({.backbone = "resnet50", .memory_layers = {}});
  Asgnet caffe(AsgnetOptions{.backbone = "resnet50-caffe", .memory_layers = {}});
  caffe->eval();
  const at::NoGradGuard no_grad;
  const auto source = torchvision->named_parameters();
  for (auto& item : caffe->named_parameters()) item.value().copy_(source[item.key()]);
  const auto buffers = torchvision->named_buffers();
  for (auto& item : caffe->named_buffers()) item.value().copy_(buffers[item.key()]);
  const at::Tensor images = at::randn({1, 3, kSide, kSide});
  const at::Tensor a = torchvision->backbone_features(images, std::nullopt);
  const at::Tensor b = caffe->backbone_features(images, std::nullopt);
  EXPECT_FALSE(at::allclose(a, b));
}

TEST(Asgnet, HasTheReleasedParameterCount) {
  Asgnet network(AsgnetOptions{.backbone = "resnet50-deep", .memory_layers = {}});
  std::int64_t all = 0;
  std::int64_t backbone = 0;
  for (const auto& item : network->named_parameters()) {
    all += item.value().numel();
    if (item.key().starts_with("layer")) backbone += item.value().numel();
  }
  EXPECT_NEAR(static_cast<double>(all) / 1e6, 19.09, 0.01);  // SPEC A14, without layer4
  EXPECT_NEAR(static_cast<double>(all - backbone) / 1e6, 10.42, 0.01);
}

TEST(Asgnet, DecodesOneImageForSeveralClassesAsOneByOne) {
  for (const bool prior : {false, true}) {
    Asgnet network = random_network({.memory_layers = {},
                                     .object_directions = prior ? 2 : 0,
                                     .background_directions = prior ? 3 : 0});
    const at::NoGradGuard no_grad;
    const at::Tensor query = at::randn({1, 256, 6, 6});
    const std::vector<Prototypes> classes{random_prototypes(prior), random_prototypes(prior)};
    const at::Tensor both = network->decode(query, classes, false).logits;
    ASSERT_EQ(both.sizes(), (std::vector<std::int64_t>{2, 2, 6, 6}));
    for (int i = 0; i < 2; ++i) {
      const at::Tensor one = network->decode(query, {classes[i]}, false).logits;
      EXPECT_TRUE(at::allclose(both[i], one[0], 1e-4, 1e-5));
    }
  }
}

// With the prior every logit starts as scale * (object cosine - background cosine).
TEST(Asgnet, StartsAsThePriorAlone) {
  Asgnet network =
      random_network({.memory_layers = {}, .object_directions = 1, .background_directions = 1});
  const at::NoGradGuard no_grad;
  at::Tensor query = at::zeros({1, 256, 6, 6});
  query.select(1, 0).fill_(2.0);
  Prototypes prototypes{at::randn({256, 1}), at::zeros({256, 1}), at::zeros({256, 1})};
  prototypes.object_directions[0][0] = 0.6;  // cosine 1: directions are taken as directions
  prototypes.background_directions[1][0] = 1.0;
  const Enriched output = network->decode(query, {prototypes}, true);
  EXPECT_TRUE(at::allclose(output.logits.select(1, 0), at::zeros({1, 6, 6})));
  EXPECT_TRUE(at::allclose(output.logits.select(1, 1), at::full({1, 6, 6}, 10.0)));
  ASSERT_EQ(output.inner.size(), 4U);
  for (const at::Tensor& inner : output.inner) {
    EXPECT_TRUE(at::allclose(inner.select(1, 1), at::full_like(inner.select(1, 1), 10.0)));
  }
}

TEST(Asgnet, MemoryRestylesAndReportsTheStylesOfItsInput) {
  Asgnet network = random_network({.memory_layers = {0, 1}});
  const at::NoGradGuard no_grad;
  const at::Tensor images = at::randn({3, 3, kSide, kSide});
  std::vector<Style> styles;
  const at::Tensor plain = network->backbone_features(images, std::nullopt, &styles);
  ASSERT_EQ(styles.size(), 2U);
  EXPECT_EQ(styles[0].mean.sizes(), (std::vector<std::int64_t>{3, 64}));
  EXPECT_EQ(styles[1].std.sizes(), (std::vector<std::int64_t>{3, 256}));
  // An empty memory leaves features as they are, a filled one does not.
  EXPECT_TRUE(at::equal(network->backbone_features(images, Pick::kLowest), plain));
  for (std::size_t i = 0; i < 2; ++i) network->memories()[i]->commit(styles[i]);
  EXPECT_FALSE(at::allclose(network->backbone_features(images, Pick::kLowest), plain));
}

TEST(Asgnet, ConcatenatesTheShotsOfAClass) {
  const Prototypes joined = concatenate({random_prototypes(true), random_prototypes(true)});
  EXPECT_EQ(joined.foreground.size(1), 4);
  EXPECT_EQ(joined.object_directions.size(1), 4);
  EXPECT_EQ(joined.background_directions.size(1), 6);
  EXPECT_FALSE(concatenate({random_prototypes(false)}).object_directions.defined());
}

TEST(Asgnet, RefusesOptionsByName) {
  const auto message = [](AsgnetOptions options) {
    try {
      Asgnet network(options);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInvalidValue);
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_NE(message({.backbone = "vgg16"}).find("vgg16"), std::string::npos);
  EXPECT_NE(message({.memory_layers = {4}}).find("4"), std::string::npos);
  EXPECT_NE(message({.memory_layers = {1, 0}}).find("ascending"), std::string::npos);
  EXPECT_NE(message({.object_directions = 3}).find("3 object and 0 background"), std::string::npos);
}

at::Tensor channels_last(const at::Tensor& x) {
  return x.contiguous(at::MemoryFormat::ChannelsLast);
}

// At the pixels of the mask [B, h, w]: rows of [B, C, h, w].
at::Tensor picked(const at::Tensor& images, const at::Tensor& mask) {
  return images.to(at::kFloat).permute({0, 2, 3, 1}).flatten(0, 2).index({mask.flatten()});
}

at::Tensor picked(const PixelSet& pixels, const at::Tensor& strips) {
  return picked(pixels.images_of(strips), pixels.mask());
}

// Masks with blocks that are computed for all pixels, for some, and for none.
TEST(ResNet, ComputesItsLastStageForSomePixelsAsForAll) {
  const at::NoGradGuard no_grad;
  for (const auto& [dtype, tolerance] : {std::pair{at::kFloat, 1e-5}, {at::kBFloat16, 0.02}}) {
    Asgnet network = random_network({.memory_layers = {}});
    network->prepare_inference(dtype);
    const at::Tensor layer2 = channels_last(at::randn({2, 512, 25, 27}).relu().to(dtype));
    at::Tensor mask = at::zeros({2, 25, 27}, at::kBool);
    mask[0].narrow(0, 3, 6).narrow(1, 18, 9).fill_(true);
    mask[1][24][0] = true;
    for (const at::Tensor& chosen :
         {mask, at::ones_like(mask), at::zeros_like(mask), at::rand(mask.sizes()).lt(0.03)}) {
      const PixelSet pixels(chosen, dtype);
      const at::Tensor expected = picked(encode_from(network->backbone(), 2, layer2), chosen);
      const at::Tensor actual =
          picked(pixels, encode_from_in(pixels, network->backbone(), 2, layer2));
      ASSERT_EQ(actual.sizes(), expected.sizes());
      if (expected.numel() == 0) continue;
      EXPECT_LE((actual - expected).norm().item<double>(),
                tolerance * expected.norm().item<double>());
    }
  }
}

// With its bias and dropout; the last image has no pixel.
TEST(Asgnet, ReducesSomePixelsAsAll) {
  Asgnet network =
      random_network({.memory_layers = {}, .object_directions = 1, .background_directions = 1});
  network->train();
  const at::Tensor features = channels_last(at::randn({3, 1536, 6, 5}));
  at::Tensor mask = at::rand({3, 6, 5}).lt(0.4);
  mask[2].fill_(false);
  const PixelSet pixels(mask, at::kCPU);
  const at::Tensor by_channel = at::linspace(-1, 1, 256);
  const auto parameters = network->named_parameters();
  // Gradients of the reduction's weight and bias under a loss of these.
  const auto gradients = [&](const at::Tensor& of_features, const at::Tensor& averages) {
    network->zero_grad();
    ((of_features * by_channel.view({-1, 1, 1})).sum() + (averages * by_channel).sum()).backward();
    return std::pair{parameters["down_conv.0.weight"].grad().clone(),
                     parameters["down_conv.0.bias"].grad().clone()};
  };
  at::manual_seed(9);
  const at::Tensor whole = network->reduce(features) * mask.unsqueeze(1);
  std::vector<at::Tensor> averages;
  for (int i = 0; i < 3; ++i) {
    averages.push_back(masked_average(whole[i], mask[i].to(at::kFloat)).squeeze(1));
  }
  const auto expected = gradients(whole, at::stack(averages));
  at::manual_seed(9);
  const ReducedPixels reduced = network->reduce(pixels.strips_of(features), pixels,
                                                /*with_features=*/true, /*feature_gradient=*/true);
  const auto actual = gradients(reduced.features, reduced.averages);

  EXPECT_GT(whole.eq(0).sum().item<std::int64_t>(), 256 * 30);  // dropout, and outside
  EXPECT_TRUE(at::allclose(reduced.features, whole, 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(reduced.averages, at::stack(averages), 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(actual.first, expected.first, 1e-3, 1e-4));
  EXPECT_TRUE(at::allclose(actual.second, expected.second, 1e-3, 1e-4));
}

TEST(Asgnet, ReducedPixelsHaveTheGradientThatIsAskedFor) {
  Asgnet network = random_network({.memory_layers = {}});
  const PixelSet pixels(at::ones({1, 6, 5}, at::kBool), at::kCPU);
  const at::Tensor strips = pixels.strips_of(at::randn({1, 1536, 6, 5}));
  EXPECT_TRUE(network->reduce(strips, pixels, true, true).features.requires_grad());
  const ReducedPixels detached = network->reduce(strips, pixels, true, false);
  EXPECT_FALSE(detached.features.requires_grad());
  EXPECT_TRUE(detached.averages.requires_grad());
  EXPECT_FALSE(network->reduce(strips, pixels, false, true).features.defined());
}

// The released forward pass, on the guide that is made of an allocation: logits, then the scales'.
std::vector<at::Tensor> released_enrichment(FeatureEnrichment& module, const Allocation& allocation,
                                            const at::Tensor& similarity) {
  const auto parameters = module->named_parameters();
  const auto convolved = [&](const std::string& name, const at::Tensor& x) {
    const at::Tensor& weight = parameters[name + ".weight"];
    const at::Tensor* bias = parameters.find(name + ".bias");
    return at::conv2d(x, weight, bias == nullptr ? at::Tensor() : *bias, 1, weight.size(2) / 2);
  };
  const auto branch = [&](const std::string& name, const at::Tensor& x) {
    return convolved(name + ".2", convolved(name + ".0", x).relu()).relu() + x;
  };
  const auto resized = [](const at::Tensor& x, std::int64_t side) {
    return at::upsample_bilinear2d(x, {side, side}, /*align_corners=*/true);
  };
  const at::Tensor& query = allocation.query;
  const at::Tensor allocated = allocation.prototypes.matmul(allocation.choice.flatten(2));
  const at::Tensor guide = at::cat({query, allocated.view_as(query)}, 1);
  const std::int64_t side = query.size(2);
  std::vector<at::Tensor> scales, logits;
  for (int level = 0; level < 4; ++level) {
    const std::string index = std::to_string(level);
    const std::int64_t bin = FeatureEnrichmentImpl::bins(static_cast<int>(side))[level];
    at::Tensor m =
        convolved(
            "corr_conv." + index + ".0",
            at::cat({at::adaptive_avg_pool2d(guide, {bin, bin}), resized(similarity, bin)}, 1))
            .relu();
    if (level > 0) {
      const at::Tensor both = at::cat({m, resized(scales.back(), bin)}, 1);
      m = convolved("alpha_conv." + std::to_string(level - 1) + ".0", both).relu() + m;
    }
    m = branch("beta_conv." + index, m);
    logits.push_back(
        convolved("inner_cls." + index + ".3", convolved("inner_cls." + index + ".0", m).relu()));
    scales.push_back(resized(m, side));
  }
  const at::Tensor y = branch("res2", convolved("res1.0", at::cat(scales, 1)).relu());
  logits.insert(logits.begin(), convolved("cls.3", convolved("cls.0", y).relu()));
  return logits;
}

TEST(FeatureEnrichment, IsTheReleasedOneOfTheConcatenatedGuide) {
  at::manual_seed(4);
  FeatureEnrichment module(32, 2);
  module->eval();
  const at::Tensor query = channels_last(at::randn({2, 32, 17, 17})).requires_grad_();
  const at::Tensor three = at::randn({32, 3}).requires_grad_(), one = at::randn({32, 1});
  const Allocation allocation = allocate_prototypes(query, {three, one});
  const at::Tensor similarity = at::cat({allocation.probability, at::randn({2, 1, 17, 17})}, 1);
  std::vector<at::Tensor> of = module->parameters();
  of.insert(of.end(), {query, three});
  const auto gradients = [&](const std::vector<at::Tensor>& logits) {
    at::Tensor loss = at::zeros({});
    for (const at::Tensor& x : logits)
      loss = loss + (x * at::linspace(-1, 1, x.numel()).view_as(x)).sum();
    return torch::autograd::grad({loss}, of, {}, /*retain_graph=*/true);
  };
  const std::vector<at::Tensor> expected = released_enrichment(module, allocation, similarity);
  const Enriched enriched = module->forward(allocation, similarity, /*with_inner=*/true);
  std::vector<at::Tensor> actual = enriched.inner;
  actual.insert(actual.begin(), enriched.logits);
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(at::allclose(actual[i], expected[i], 1e-4, 1e-5)) << i;
  }
  const std::vector<at::Tensor> expected_gradients = gradients(expected);
  const std::vector<at::Tensor> actual_gradients = gradients(actual);
  for (std::size_t i = 0; i < of.size(); ++i) {
    EXPECT_GT(expected_gradients[i].norm().item<double>(), 0) << i;
    EXPECT_LT((actual_gradients[i] - expected_gradients[i]).norm().item<double>(),
              1e-4 * expected_gradients[i].norm().item<double>())
        << i << ' ' << of[i].sizes();
  }
}

TEST(FeatureEnrichment, BinsAreTheReleasedOnes) {
  EXPECT_EQ(FeatureEnrichmentImpl::bins(60), (std::array<int, 4>{60, 30, 15, 8}));
  EXPECT_EQ(FeatureEnrichmentImpl::bins(81), (std::array<int, 4>{81, 40, 20, 10}));
  EXPECT_EQ(FeatureEnrichmentImpl::bins(6), (std::array<int, 4>{6, 3, 1, 1}));
}

TEST(UnsetWeights, AreOfTheShapesOfDrawnOnes) {
  const AsgnetOptions options{.object_directions = 1, .background_directions = 2};
  Asgnet drawn(options);
  const auto unset = [&] {
    const UnsetWeights in_this_scope;
    return Asgnet(options);
  }();
  EXPECT_FALSE(UnsetWeights::wanted());
  const auto expected = drawn->named_parameters();
  ASSERT_EQ(unset->named_parameters().size(), expected.size());
  for (const auto& parameter : unset->named_parameters()) {
    EXPECT_EQ(parameter.value().sizes(), expected[parameter.key()].sizes()) << parameter.key();
    EXPECT_TRUE(parameter.value().requires_grad()) << parameter.key();
  }
}

}  // namespace
}  // namespace cdfss
