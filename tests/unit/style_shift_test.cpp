// What changes an image's style in training: the memory's noise and random shares, MixStyle, MixUp,
// amplitudes of another image.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "amplitude_mix.h"
#include "cdfss/error.h"
#include "model/meta_memory.h"
#include "style_mixing.h"

namespace cdfss {
namespace {

// Four slots of two channels; channel 0's means are 1..4, channel 1's all 2.
MetaMemory memory_with(MetaMemoryOptions options) {
  options.channels = 2;
  options.slots = 4;
  MetaMemory memory(options);
  const at::Tensor means =
      at::tensor({1.0F, 2.0F, 2.0F, 2.0F, 3.0F, 2.0F, 4.0F, 2.0F}).view({4, 2});
  memory->commit({means, at::ones({4, 2})});
  return memory;
}

at::Tensor features(std::int64_t count) {
  at::manual_seed(1);
  return at::rand({count, 2, 5, 5}) * 4;
}

TEST(MemoryNoise, HasTheBanksMeanAndVariance) {
  MetaMemoryOptions options;
  options.lookup = MemoryLookup::kNoise;
  options.retention = 0;
  MetaMemory memory = memory_with(options);
  at::manual_seed(2);
  const Style style = style_of(memory->enhance(features(4000), Pick::kHighest));
  // Channel 0: mean 2.5, variance 1.25 of 1..4; 5 standard errors of 4000 draws are .09.
  EXPECT_NEAR(style.mean.select(1, 0).mean().item<double>(), 2.5, 0.09);
  EXPECT_NEAR(style.mean.select(1, 0).std().item<double>(), std::sqrt(1.25), 0.07);
  // Channel 1 has no variance, nor have the stored deviations.
  EXPECT_LT((style.mean.select(1, 1) - 2).abs().max().item<double>(), 1e-3);
  EXPECT_LT((style.std - 1).abs().max().item<double>(), 1e-2);
}

TEST(MemoryNoise, AnEmptyMemoryChangesNothing) {
  MetaMemoryOptions options;
  options.channels = 2;
  options.lookup = MemoryLookup::kNoise;
  MetaMemory memory(options);
  EXPECT_TRUE(at::allclose(memory->enhance(features(3), Pick::kLowest), features(3), 0, 1e-5));
}

TEST(EnhancementProbability, RestylesThatShareOfTheInstancesInTrainingOnly) {
  MetaMemoryOptions options;
  options.probability = 0.25;
  MetaMemory memory = memory_with(options);
  const at::Tensor input = features(2000);
  const auto changed = [&] {
    at::manual_seed(3);
    const at::Tensor output = memory->enhance(input, Pick::kLowest);
    return (output - input).abs().amax({1, 2, 3}).gt(1e-3).to(at::kDouble).mean().item<double>();
  };
  EXPECT_NEAR(changed(), 0.25, 0.05);  // 5 standard errors
  memory->eval();
  EXPECT_EQ(changed(), 1);
}

TEST(BetaRetention, ReplacesTheConstantInTrainingOnly) {
  MetaMemoryOptions options;
  options.beta_retention = true;
  options.retention = 0;
  MetaMemory memory = memory_with(options);
  const at::Tensor input = features(2000);
  const Style own = style_of(input);
  at::manual_seed(4);
  const Style mixed = style_of(memory->enhance(input, Pick::kHighest));
  // Channel 1's stored mean is 2 in every slot, so the share can be read off.
  const at::Tensor alpha = (mixed.mean.select(1, 1) - 2) / (own.mean.select(1, 1) - 2);
  // Beta(.1, .1): mean 1/2, and most of the weight at the ends.
  EXPECT_NEAR(alpha.median().item<double>(), 0.5, 0.5);
  EXPECT_GT(alpha.lt(0.05).to(at::kDouble).mean().item<double>(), 0.25);
  EXPECT_GT(alpha.gt(0.95).to(at::kDouble).mean().item<double>(), 0.25);
  memory->eval();
  const Style constant = style_of(memory->enhance(input, Pick::kHighest));
  EXPECT_LT((constant.mean.select(1, 1) - 2).abs().max().item<double>(), 1e-3);
}

TEST(EnhancementProbability, OutsideItsRangeIsRefused) {
  MetaMemoryOptions options;
  options.channels = 2;
  options.probability = 1.5;
  EXPECT_THROW(MetaMemory{options}, Error);
}

// Images whose pixels are all `value`, one an instance.
TEST(MixUp, KeepsTheLargerShareOfEachInput) {
  const at::Tensor inputs = at::tensor({0.0F, 1.0F}).view({2, 1, 1, 1}).expand({2, 3, 4, 4});
  bool mixed_once = false;
  for (int seed = 0; seed < 20; ++seed) {
    at::manual_seed(seed);
    const at::Tensor output = mix_up(inputs);
    EXPECT_LE(output[0].max().item<double>(), 0.5);
    EXPECT_GE(output[1].min().item<double>(), 0.5);
    EXPECT_TRUE(at::equal(output[0], output[0][0][0][0].expand_as(output[0])));
    mixed_once = mixed_once || output[0].max().item<double>() > 0.01;
  }
  EXPECT_TRUE(mixed_once);
}

TEST(MixStyle, GivesStylesBetweenThoseOfTheBatch) {
  const at::Tensor input = features(6);
  const Style own = style_of(input);
  int changed = 0;
  for (int seed = 0; seed < 40; ++seed) {
    at::manual_seed(seed);
    const at::Tensor output = mix_style(input);
    if (at::equal(output, input)) continue;
    ++changed;
    const Style style = style_of(output);
    EXPECT_GE((style.mean - own.mean.amin(0)).min().item<double>(), -1e-4);
    EXPECT_LE((style.mean - own.mean.amax(0)).max().item<double>(), 1e-4);
    // What is left without its style is as it was.
    const auto plain = [](const at::Tensor& x) {
      const Style s = style_of(x);
      return restyle(x, s, {at::zeros_like(s.mean), at::ones_like(s.std)});
    };
    EXPECT_TRUE(at::allclose(plain(output), plain(input), 0, 1e-3));
  }
  EXPECT_GE(changed, 8);  // half of 40, within four standard deviations
  EXPECT_LE(changed, 32);
}

constexpr int kWaveSide = 41;

// One row [1, S, S, 3]: light + height * cos(2 pi (cycles x / S + shift)) in every colour.
at::Tensor wave(double light, double height, int cycles, double shift) {
  const at::Tensor turns = at::arange(kWaveSide, at::kDouble) * cycles / kWaveSide + shift;
  const at::Tensor line = light + height * (2 * M_PI * turns).cos();
  return line.round().to(at::kByte).view({1, 1, -1, 1}).repeat({1, kWaveSide, 1, 3});
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kFloat) - b.to(at::kFloat)).abs().max().item<double>();
}

at::Tensor noise(std::int64_t rows) {
  at::manual_seed(6);
  return at::randint(0, 256, {rows, kWaveSide, kWaveSide, 3}, at::kByte);
}

TEST(AmplitudeMix, OfEqualImagesChangesNothing) {
  const at::Tensor images = noise(1).repeat({2, 1, 1, 1});
  for (const double beta : {0.01, 0.1, 0.5}) {
    EXPECT_TRUE(mix_amplitudes(images, 1, beta).equal(images)) << beta;
  }
}

TEST(AmplitudeMix, OfTheMeansAloneMovesTheLight) {
  const at::Tensor images = at::cat({wave(60, 20, 3, 0.1), wave(150, 40, 2, 0)});
  const at::Tensor mixed = mix_amplitudes(images, 1, 0.01);  // less than one cycle
  EXPECT_LE(largest_difference(mixed[0], wave(150, 20, 3, 0.1)[0]), 1);
  EXPECT_LE(largest_difference(mixed[1], wave(60, 40, 2, 0)[0]), 1);
}

TEST(AmplitudeMix, KeepsThePhaseOfLowFrequencies) {
  const at::Tensor images = at::cat({wave(60, 20, 2, 0.1), wave(150, 45, 2, 0.4)});
  const at::Tensor mixed = mix_amplitudes(images, 1, 0.05);  // up to two cycles
  EXPECT_LE(largest_difference(mixed[0], wave(150, 45, 2, 0.1)[0]), 1.5);
  EXPECT_LE(largest_difference(mixed[1], wave(60, 20, 2, 0.4)[0]), 1.5);
}

TEST(AmplitudeMix, LeavesHigherFrequencies) {
  const at::Tensor images = at::cat({wave(100, 20, 3, 0.1), wave(100, 45, 3, 0.4)});
  EXPECT_LE(largest_difference(mix_amplitudes(images, 1, 0.05), images), 1);  // up to two cycles
}

// Vertical frequencies have two signs, all of which are mixed.
TEST(AmplitudeMix, TreatsBothDirectionsAlike) {
  const at::Tensor images = noise(2);
  const at::Tensor turned = mix_amplitudes(images.transpose(1, 2), 1, 0.2).transpose(1, 2);
  EXPECT_LE(largest_difference(turned, mix_amplitudes(images, 1, 0.2)), 1);
}

TEST(AmplitudeMix, TakesTheRowThatFarOn) {
  const at::Tensor images =
      at::cat({wave(10, 0, 1, 0), wave(20, 0, 1, 0), wave(30, 0, 1, 0), wave(40, 0, 1, 0)});
  const at::Tensor mixed = mix_amplitudes(images, 2, 0.01).select(1, 0).select(1, 0).select(1, 0);
  EXPECT_TRUE(mixed.equal(at::tensor({30, 40, 10, 20}, at::kByte)));
}

TEST(AmplitudeMix, NeedsAnotherImage) { EXPECT_THROW(mix_amplitudes(noise(2), 2, 0.01), Error); }

}  // namespace
}  // namespace cdfss
