// The ways to compute one training step that have to agree: from images and from cached features,
// in one thread and in several.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "io/module_tensors.h"
#include "tensor/image_tensor.h"
#include "training_step_test_support.h"

namespace cdfss {
namespace {

using testing::adamw;
using testing::one_step;
using testing::plain;
using testing::random_network;
using testing::squares_batch;

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

}  // namespace
}  // namespace cdfss
