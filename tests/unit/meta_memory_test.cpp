#include "model/meta_memory.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "cdfss/error.h"

namespace cdfss {
namespace {

at::Tensor rows_of(std::vector<double> values, int64_t columns) {
  return at::tensor(values, at::kDouble).reshape({-1, columns});
}

MetaMemory make_memory(const MetaMemoryOptions& options) {
  MetaMemory memory(options);
  memory->to(at::kDouble);
  return memory;
}

// Two slots of two channels, in double, that hold these rows from the start.
MetaMemory two_slots(const at::Tensor& means, const at::Tensor& stds,
                     MetaMemoryOptions options = {}) {
  options.channels = 2;
  options.slots = 2;
  auto memory = make_memory(options);
  memory->commit({means, stds});
  return memory;
}

at::Tensor mean_of(const MetaMemory& memory) { return memory->named_parameters()["mean"]; }
at::Tensor std_of(const MetaMemory& memory) { return memory->named_parameters()["std"]; }

void expect_close(const at::Tensor& actual, const at::Tensor& expected, double tolerance = 1e-12) {
  ASSERT_EQ(actual.sizes(), expected.sizes());
  EXPECT_TRUE(at::allclose(actual, expected, 0, tolerance)) << actual << "\nexpected\n" << expected;
}

const at::Tensor kAxes = rows_of({1, 0, 0, 1}, 2);

// --- Lookup
// ----------------------------------------------------------------------------------------

// Channel 0 is {1, 3}: mean 2, std 1 (but for epsilon); channel 1 is 0: std .001.
const at::Tensor kFeatures = rows_of({1, 3, 0, 0}, 2).reshape({1, 2, 1, 2});

TEST(Enhance, PicksMeanAndStdIndependently) {
  // Mean (2, 0) is like slot 0 and unlike slot 1; std (1, .001) is more like (3, 1) than (1, 3).
  const auto memory = two_slots(kAxes, rows_of({1, 3, 3, 1}, 2));
  const auto low = memory->pick_slots(style_of(kFeatures), Pick::kLowest);
  EXPECT_EQ(low.first.item<int64_t>(), 1);
  EXPECT_EQ(low.second.item<int64_t>(), 0);
  const auto high = memory->pick_slots(style_of(kFeatures), Pick::kHighest);
  EXPECT_EQ(high.first.item<int64_t>(), 0);
  EXPECT_EQ(high.second.item<int64_t>(), 1);

  // Lowest: mean .1 (2, 0) + .9 (0, 1), std .1 (1, .001) + .9 (1, 3); normalised {-1, 1} and 0.
  expect_close(memory->enhance(kFeatures, Pick::kLowest),
               rows_of({-.8, 1.2, .9, .9}, 2).reshape({1, 2, 1, 2}), 1e-5);
  // Highest: mean .1 (2, 0) + .9 (1, 0), std .1 + .9 * 3.
  expect_close(memory->enhance(kFeatures, Pick::kHighest),
               rows_of({1.1 - 2.8, 1.1 + 2.8, 0, 0}, 2).reshape({1, 2, 1, 2}), 1e-5);
}

TEST(Enhance, RetentionIsTheShareOfTheOwnStyle) {
  const auto features = at::rand({3, 2, 5, 5}, at::kDouble);
  MetaMemoryOptions options;
  options.retention = 1;
  const auto keep = two_slots(kAxes, kAxes, options);
  expect_close(keep->enhance(features, Pick::kLowest), features);
  options.retention = 0;
  const auto replace = two_slots(rows_of({1, 2, 1, 2}, 2), rows_of({3, 4, 3, 4}, 2), options);
  const Style style = style_of(replace->enhance(features, Pick::kHighest));
  expect_close(style.mean, rows_of({1, 2, 1, 2, 1, 2}, 2));
  // Epsilon in the root keeps it from being exact.
  expect_close(style.std, rows_of({3, 4, 3, 4, 3, 4}, 2), 1e-3);
}

TEST(Enhance, TiesGoToTheFirstSlot) {
  const auto memory = two_slots(rows_of({1, 1, 1, 1}, 2), rows_of({.3, .7, .3, .7}, 2));
  for (const Pick pick : {Pick::kLowest, Pick::kHighest}) {
    const auto [mean_slot, std_slot] = memory->pick_slots(style_of(at::rand({4, 2, 3, 3})), pick);
    EXPECT_TRUE(at::equal(mean_slot, at::zeros({4}, at::kLong)));
    EXPECT_TRUE(at::equal(std_slot, at::zeros({4}, at::kLong)));
  }
}

TEST(Enhance, InstancesOfABatchDoNotInfluenceEachOther) {
  MetaMemoryOptions options;
  options.channels = 8;
  auto memory = make_memory(options);
  memory->commit(style_of(at::rand({10, 8, 4, 4}, at::kDouble)));
  const auto features = at::rand({3, 8, 6, 5}, at::kDouble);
  const auto together = memory->enhance(features, Pick::kLowest);
  for (int64_t i = 0; i < 3; ++i) {
    expect_close(memory->enhance(features.narrow(0, i, 1), Pick::kLowest),
                 together.narrow(0, i, 1));
  }
}

TEST(Enhance, AnEmptyMemoryChangesNothing) {
  MetaMemoryOptions options;
  options.channels = 3;
  MetaMemory memory(options);
  EXPECT_TRUE(memory->empty());
  for (const auto dtype : {at::kFloat, at::kBFloat16, at::kHalf}) {
    const auto features = at::rand({2, 3, 4, 5}).to(dtype);
    EXPECT_TRUE(at::equal(memory->enhance(features, Pick::kLowest), features)) << dtype;
  }
}

TEST(Enhance, FreeSlotsTakeNoPart) {
  // A free slot is zero, and so unlike everything: it must not be the lowest.
  MetaMemoryOptions options;
  options.channels = 2;
  options.slots = 3;
  auto memory = make_memory(options);
  memory->commit({rows_of({1, 1}, 2), rows_of({1, 1}, 2)});
  const auto [mean_slot, std_slot] = memory->pick_slots(style_of(kFeatures), Pick::kLowest);
  EXPECT_EQ(mean_slot.item<int64_t>(), 0);
  EXPECT_EQ(std_slot.item<int64_t>(), 0);
}

TEST(Enhance, GradientTreatsStatisticsAndMemoryAsConstants) {
  const auto memory = two_slots(kAxes, rows_of({1, 3, 3, 1}, 2));
  const auto features = kFeatures.clone().requires_grad_();
  memory->enhance(features, Pick::kHighest).sum().backward();
  // The mixed std over the own: .1 + .9 * 3 and (.1 * .001 + .9 * 1) / .001.
  expect_close(features.grad(), rows_of({2.8, 2.8, 900.1, 900.1}, 2).reshape({1, 2, 1, 2}), 1e-4);
  EXPECT_FALSE(mean_of(memory).grad().defined());
  EXPECT_FALSE(std_of(memory).grad().defined());
}

TEST(Enhance, KeepsTypeAndMemoryFormat) {
  MetaMemoryOptions options;
  options.channels = 4;
  options.slots = 1;
  MetaMemory memory(options);
  memory->commit(style_of(at::rand({1, 4, 5, 5})));
  const auto features =
      at::rand({2, 4, 6, 7}).to(at::kBFloat16).contiguous(at::MemoryFormat::ChannelsLast);
  const auto enhanced = memory->enhance(features, Pick::kHighest);
  EXPECT_EQ(enhanced.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(enhanced.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(at::allclose(enhanced.to(at::kFloat),
                           memory->enhance(features.to(at::kFloat), Pick::kHighest), .02, .02));
}

// --- Filling and updates
// ---------------------------------------------------------------------------

TEST(Commit, FirstInstancesFillThenTheRestUpdates) {
  MetaMemoryOptions options;
  options.channels = 2;
  options.slots = 3;
  auto memory = make_memory(options);
  memory->commit({rows_of({1, 0, 0, 1}, 2), rows_of({2, 0, 0, 2}, 2)});
  expect_close(mean_of(memory), rows_of({1, 0, 0, 1, 0, 0}, 2));
  // The first takes the last slot, the second moves the slot that it fits best: slot 0.
  memory->commit({rows_of({1, 1, 3, 0}, 2), rows_of({2, 2, 4, 0}, 2)});
  expect_close(mean_of(memory), rows_of({1.2, 0, 0, 1, 1, 1}, 2));
  expect_close(std_of(memory), rows_of({2.2, 0, 0, 2, 2, 2}, 2));
  EXPECT_FALSE(memory->empty());
}

TEST(Commit, NearestMovesOneSlotPerBankTowardsItsInstancesAverage) {
  auto memory = two_slots(kAxes, kAxes);
  // Both means are nearest to slot 0, average (3, 1.5); the stds go to slot 1 and slot 0.
  memory->commit({rows_of({2, 1, 4, 2}, 2), rows_of({1, 2, 5, 0}, 2)});
  expect_close(mean_of(memory), rows_of({1.2, .15, 0, 1}, 2));
  expect_close(std_of(memory), rows_of({1.4, 0, .1, 1.1}, 2));
}

TEST(Commit, PaperMovesEverySlotToItsWeightedBatchMean) {
  MetaMemoryOptions options;
  options.update = MemoryUpdate::kPaper;
  auto memory = two_slots(kAxes, kAxes, options);
  // Slot 0: similarities 1 and r = 1/sqrt(2), weights 1/(1+r) and r/(1+r) = sqrt(2) - 1, mean
  // (1, .4142). Slot 1: similarities 0 and r, mean (1, 1).
  const auto batch = rows_of({1, 0, 1, 1}, 2);
  memory->commit({batch, batch});
  const auto expected = rows_of({1, .1 * (std::sqrt(2.) - 1), .1, 1}, 2);
  expect_close(mean_of(memory), expected);
  expect_close(std_of(memory), expected);
}

TEST(Commit, RandomInitIsInUseFromTheStart) {
  MetaMemoryOptions options;
  options.channels = 64;
  options.init = MemoryInit::kRandom;
  auto memory = make_memory(options);
  EXPECT_FALSE(memory->empty());
  const auto before = mean_of(memory).detach().clone();
  EXPECT_GE(before.min().item<double>(), 0);
  EXPECT_LT(before.max().item<double>(), 1);
  EXPECT_NEAR(before.mean().item<double>(), .5, .05);
  // One instance moves exactly one slot.
  memory->commit(style_of(at::rand({1, 64, 3, 3}, at::kDouble)));
  EXPECT_EQ((mean_of(memory) - before).abs().sum(1).gt(0).sum().item<int64_t>(), 1);
}

TEST(Commit, ADeadSlotIsReseededWithTheWorstFittingInstance) {
  MetaMemoryOptions options;
  options.dead_after = 3;
  // Slot 1's mean (0, 1) is nobody's: all instances are nearer to (1, .2).
  auto memory = two_slots(rows_of({1, .2, 0, 1}, 2), kAxes, options);
  const Style style{rows_of({1, 0, 1, .4}, 2), kAxes};
  for (int commits = 0; commits < 2; ++commits) {
    memory->commit(style);
    expect_close(mean_of(memory)[1], at::tensor({0., 1.}, at::kDouble));
  }
  memory->commit(style);
  // Slot 0 stays near (1, .2): angle 11.3 degrees to (1, 0), 10.5 to (1, .4), which is the better.
  expect_close(mean_of(memory)[1], at::tensor({1., 0.}, at::kDouble));
  // Both stds were chosen every time: that bank is as it was.
  expect_close(std_of(memory), kAxes);
  // The new slot is now the nearest of (1, 0) and lives on.
  memory->commit(style);
  expect_close(mean_of(memory)[1], at::tensor({1., 0.}, at::kDouble));
}

TEST(Commit, NeverNegative) {
  for (const auto update : {MemoryUpdate::kNearest, MemoryUpdate::kPaper}) {
    MetaMemoryOptions options;
    options.channels = 8;
    options.update = update;
    auto memory = make_memory(options);
    for (int step = 0; step < 20; ++step) {
      if (!memory->empty()) {
        // As an optimiser with a large rate on the orthogonal loss would.
        memory->zero_grad();
        memory->orthogonal_loss().backward();
        const at::NoGradGuard no_grad;
        mean_of(memory).sub_(mean_of(memory).grad(), 50);
      }
      memory->commit(style_of(at::rand({4, 8, 3, 3}, at::kDouble)));
      EXPECT_GE(mean_of(memory).min().item<double>(), 0);
      EXPECT_GE(std_of(memory).min().item<double>(), 0);
    }
  }
}

TEST(Commit, NearestStaysDiverseWherePaperCollapses) {
  // SPEC B4's simulation: 12 non-negative styles a step, pairwise cosine about .85.
  const auto cosine_after = [](MemoryUpdate update, int steps) {
    at::manual_seed(3);
    MetaMemoryOptions options;
    options.channels = 128;
    options.update = update;
    options.init = MemoryInit::kRandom;
    auto memory = make_memory(options);
    for (int step = 0; step < steps; ++step) {
      const auto style = at::rand({12, 128}, at::kDouble) + .2;
      memory->commit({style, style});
    }
    return memory->slot_cosine();
  };
  EXPECT_NEAR(cosine_after(MemoryUpdate::kPaper, 0), .75, .02);
  EXPECT_GT(cosine_after(MemoryUpdate::kPaper, 50), .999);
  EXPECT_LT(cosine_after(MemoryUpdate::kNearest, 50), .95);
}

TEST(Commit, LeavesParametersTrainableAndInPlace) {
  auto memory = two_slots(kAxes, kAxes);
  const void* address = mean_of(memory).data_ptr();
  auto leaf = at::rand({2, 2}, at::kDouble).requires_grad_();
  memory->commit({leaf * 2, leaf * 3});
  EXPECT_EQ(mean_of(memory).data_ptr(), address);
  EXPECT_TRUE(mean_of(memory).is_leaf());
  EXPECT_TRUE(mean_of(memory).requires_grad());
}

TEST(Commit, RefusesWhatDoesNotFitAndStaysAsItWas) {
  auto memory = two_slots(kAxes, kAxes);
  const auto good = rows_of({1, 1}, 2);
  EXPECT_THROW(memory->commit({rows_of({1, 1, 1}, 3), good}), Error);
  EXPECT_THROW(memory->commit({good, rows_of({1, 1, 1, 1}, 2)}), Error);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(memory->commit({rows_of({1, nan}, 2), good}), Error);
  EXPECT_THROW(memory->commit({good, rows_of({1, 1 / 0.}, 2)}), Error);
  expect_close(mean_of(memory), kAxes);
  expect_close(std_of(memory), kAxes);
  EXPECT_THROW(memory->enhance(at::rand({1, 3, 2, 2}, at::kDouble), Pick::kLowest), Error);
}

// --- Orthogonal loss
// -------------------------------------------------------------------------------

TEST(OrthogonalLoss, MeanSimilarityOfBothBanks) {
  // Means at 45 degrees: 2 + 2 / sqrt(2). Stds alike: 4. Over 2 * 2^2.
  const auto memory = two_slots(rows_of({1, 0, 1, 1}, 2), rows_of({1, 2, 2, 4}, 2));
  EXPECT_NEAR(memory->orthogonal_loss().item<double>(), (6 + std::sqrt(2.)) / 8, 1e-12);
  EXPECT_NEAR(memory->orthogonal_loss(false).item<double>(), (2 + std::sqrt(2.)) / 8, 1e-12);
  EXPECT_NEAR(memory->slot_cosine(), std::sqrt(.5), 1e-12);
}

TEST(OrthogonalLoss, DiagonalIsAConstantWithoutGradient) {
  MetaMemoryOptions options;
  options.channels = 6;
  options.init = MemoryInit::kRandom;
  auto memory = make_memory(options);
  const auto gradient = [&](bool diagonal) {
    memory->zero_grad();
    memory->orthogonal_loss(diagonal).backward();
    return mean_of(memory).grad().clone();
  };
  EXPECT_NEAR((memory->orthogonal_loss(true) - memory->orthogonal_loss(false)).item<double>(), .1,
              1e-12);
  expect_close(gradient(true), gradient(false));
  EXPECT_GT(gradient(true).abs().max().item<double>(), 0);
  EXPECT_GT(std_of(memory).grad().abs().max().item<double>(), 0);

  const double before = memory->orthogonal_loss().item<double>();
  const auto step = gradient(true);
  {
    const at::NoGradGuard no_grad;
    mean_of(memory).sub_(step);
  }
  EXPECT_LT(memory->orthogonal_loss().item<double>(), before);
}

TEST(OrthogonalLoss, OnlyFilledSlotsCount) {
  MetaMemoryOptions options;
  options.channels = 2;
  auto memory = make_memory(options);
  EXPECT_EQ(memory->orthogonal_loss().item<double>(), 0);
  EXPECT_EQ(memory->slot_cosine(), 0);
  memory->commit({rows_of({1, 1}, 2), rows_of({1, 1}, 2)});
  EXPECT_EQ(memory->slot_cosine(), 0);
  memory->commit({rows_of({2, 2}, 2), rows_of({3, 3}, 2)});
  EXPECT_NEAR(memory->orthogonal_loss().item<double>(), 1, 1e-12);
  EXPECT_NEAR(memory->slot_cosine(), 1, 1e-12);
}

TEST(MetaMemory, RefusesOptionsOutOfRange) {
  const auto with = [](auto change) {
    MetaMemoryOptions options;
    options.channels = 4;
    change(options);
    return MetaMemory(options);
  };
  EXPECT_NO_THROW(with([](auto&) {}));
  EXPECT_THROW(with([](auto& options) { options.channels = 0; }), Error);
  EXPECT_THROW(with([](auto& options) { options.slots = 0; }), Error);
  EXPECT_THROW(with([](auto& options) { options.retention = 1.5; }), Error);
  EXPECT_THROW(with([](auto& options) { options.retention = std::nan(""); }), Error);
  EXPECT_THROW(with([](auto& options) { options.momentum = -.1; }), Error);
  EXPECT_THROW(with([](auto& options) { options.dead_after = 0; }), Error);
}

}  // namespace
}  // namespace cdfss
