// What a training run goes on from: its state file, and the parts that are put back into place.
#include "run_state.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "generator_state.h"
#include "io/module_tensors.h"
#include "io/safetensors.h"
#include "io_test_support.h"
#include "non_finite.h"
#include "optimiser.h"
#include "training_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::TemporaryFolder;

RunState some_state() {
  RunState state{.step = 7,
                 .steps = 90,
                 .batches = 9,
                 .validated_step = 5,
                 .best_miou = 0.1 + 0.2,  // not exact in few digits
                 .seconds = 1e-3,
                 .configuration = "a=\"b\"\nsteps=90\n",
                 .environment = "{\"threads\":1}",
                 .data = "0123",
                 .model = {},
                 .network = {{"memory.0.idle", at::arange(4)}, {"w", at::randn({2, 3})}},
                 .optimiser = {{"w.momentum", at::randn({2, 3})}},
                 .generators = generator_states(at::kCPU)};
  state.model.network.memory.slots = 3;
  state.model.info.input_size = 41;
  state.model.info.memory_slots = 3;
  state.model.info.threshold = 0.35F;
  return state;
}

class RunStateFile : public ::testing::Test {
 protected:
  // The file with other metadata or tensors than some_state() has.
  void rewrite(const std::function<void(SafetensorsFile&)>& change) {
    write_run_state(file_, some_state());
    SafetensorsFile content = read_safetensors(file_);
    for (auto& [name, tensor] : content.tensors) tensor = tensor.clone();
    change(content);
    write_safetensors(file_, content.tensors, content.metadata);
  }

  TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_ / "state.safetensors";
};

TEST_F(RunStateFile, ComesBackAsItWas) {
  const RunState written = some_state();
  write_run_state(file_, written);
  const RunState read = read_run_state(file_);
  EXPECT_EQ(read.step, 7);
  EXPECT_EQ(read.steps, 90);
  EXPECT_EQ(read.batches, 9);
  EXPECT_EQ(read.validated_step, 5);
  EXPECT_EQ(read.best_miou, 0.1 + 0.2);
  EXPECT_EQ(read.seconds, 1e-3);
  EXPECT_EQ(read.configuration, written.configuration);
  EXPECT_EQ(read.environment, written.environment);
  EXPECT_EQ(read.data, "0123");
  EXPECT_EQ(read.model.network.memory.slots, 3);
  EXPECT_EQ(read.model.info.threshold, 0.35F);
  for (const auto part : {&RunState::network, &RunState::optimiser, &RunState::generators}) {
    ASSERT_EQ((read.*part).size(), (written.*part).size());
    for (const auto& [name, tensor] : written.*part) {
      EXPECT_TRUE(at::equal((read.*part).at(name), tensor)) << name;
    }
  }
}

TEST_F(RunStateFile, KeepsTheOldOneWhenAValueIsNotFinite) {
  write_run_state(file_, some_state());
  RunState bad = some_state();
  bad.step = 8;
  bad.network["w"][1][2] = INFINITY;
  expect_error(ErrorCode::kInvalidValue, {"network.w", "not finite", "state.safetensors"},
               [&] { write_run_state(file_, bad); });
  EXPECT_EQ(read_run_state(file_).step, 7);
  EXPECT_EQ(folder_.file_count(), 1);
}

TEST_F(RunStateFile, NamesWhatDoesNotFit) {
  const auto expect_refusal = [&](std::initializer_list<std::string_view> parts,
                                  const std::function<void(SafetensorsFile&)>& change) {
    rewrite(change);
    expect_error(ErrorCode::kBadModel, parts, [&] { read_run_state(file_); });
  };
  expect_refusal({"state.safetensors", "not the state of a training run"},
                 [](auto& file) { file.metadata["format"] = "cdfss-model"; });
  expect_refusal({"format_version", "\"2\""},
                 [](auto& file) { file.metadata["format_version"] = "2"; });
  expect_refusal({"\"seconds\" is missing"}, [](auto& file) { file.metadata.erase("seconds"); });
  expect_refusal({"\"step\"", "\"7x\""}, [](auto& file) { file.metadata["step"] = "7x"; });
  expect_refusal({"\"seconds\"", "nan"}, [](auto& file) { file.metadata["seconds"] = "nan"; });
  expect_refusal({"step 91 of 90"}, [](auto& file) {
    file.metadata["step"] = "91";
    file.metadata["batches"] = "91";
  });
  expect_refusal({"\"batches\"", "at least 7"}, [](auto& file) { file.metadata["batches"] = "6"; });
  expect_refusal({"backbone"}, [](auto& file) { file.metadata.erase("model.backbone"); });
  expect_refusal({"\"surplus\""}, [](auto& file) { file.tensors["surplus"] = at::ones({1}); });
  expect_refusal({"generator.cpu"}, [](auto& file) { file.tensors.erase("generator.cpu"); });
}

TEST(GeneratorStates, GoOnWithTheSameNumbers) {
  const auto states = generator_states(at::kCPU);
  const at::Tensor expected = at::rand({5});
  at::rand({100});
  set_generator_states(states, at::kCPU, "file");
  EXPECT_TRUE(at::equal(at::rand({5}), expected));
  {
    set_generator_states(states, at::kCPU, "file");
    const GeneratorGuard guard(at::kCPU);
    at::rand({100});
  }
  EXPECT_TRUE(at::equal(at::rand({5}), expected));
  expect_error(ErrorCode::kBadModel, {"some file", "generator.cpu"}, [] {
    set_generator_states({{"cpu", at::zeros({12}, at::kByte)}}, at::kCPU, "some file");
  });
}

TEST(NonFiniteCause, IsTheEpisodeOrTheNetwork) {
  at::manual_seed(5);
  AsgnetOptions options;
  options.memory_layers = {};
  Asgnet network(options);
  EpisodeBatch batch = testing::squares_batch(3, /*transformed_view=*/true);
  EXPECT_EQ(non_finite_cause(network, batch), "");
  const at::Tensor support = at::randn({3, 1536, 6, 6});
  batch.encoded = {Encoded::kWholly, Encoded::kWholly, Encoded::kWholly};
  batch.query = at::randn({3, 1536, 6, 6});
  batch.support = support.clone();
  batch.support[1][700][2][3] = INFINITY;
  batch.transformed = support;
  EXPECT_EQ(non_finite_cause(network, batch), "\nNot finite alone, too: " + batch.descriptions[1]);
  const at::NoGradGuard no_grad;
  network->named_parameters()["cls.3.bias"][0] = NAN;
  EXPECT_NE(non_finite_cause(network, batch).find("cls.3.bias is not finite"), std::string::npos);
}

// Steps on made-up gradients, the same for the same number.
class OptimiserState : public ::testing::TestWithParam<OptimiserKind> {
 protected:
  OptimiserState() {
    options_.kind = GetParam();
    options_.momentum = 0.9;
  }
  static Asgnet network() {
    at::manual_seed(3);
    AsgnetOptions options;
    options.memory_layers = {0};
    return Asgnet(options);
  }
  static void step(Asgnet& network, Optimiser& optimiser, int number) {
    at::manual_seed(number);
    optimiser.set_step(number, 10);
    optimiser.zero_grad();
    for (const auto& item : network->named_parameters()) {
      if (!item.key().starts_with("cls.") && !item.key().starts_with("memory.")) continue;
      item.value().mutable_grad() = at::randn_like(item.value());
    }
    optimiser.step();
  }
  OptimiserOptions options_;
};

TEST_P(OptimiserState, GoesOnAsIfNeverInterrupted) {
  Asgnet whole = network();
  Optimiser uninterrupted(whole, options_);
  for (int number = 1; number <= 4; ++number) step(whole, uninterrupted, number);

  Asgnet first = network();
  Optimiser before(first, options_);
  for (int number = 1; number <= 2; ++number) step(first, before, number);
  Asgnet second = network();
  assign_tensors(module_tensors(*second), module_tensors(*first), "f", "f");
  Optimiser after(second, options_);
  after.set_state(before.state(), "state");
  for (int number = 3; number <= 4; ++number) step(second, after, number);

  const auto expected = module_tensors(*whole);
  for (const auto& [name, tensor] : module_tensors(*second)) {
    EXPECT_TRUE(at::equal(tensor, expected.at(name))) << name;
  }
  EXPECT_EQ(after.state().size(), uninterrupted.state().size());
}

TEST_P(OptimiserState, RefusesWhatIsNotItsOwn) {
  Asgnet trained = network();
  Optimiser optimiser(trained, options_);
  step(trained, optimiser, 1);
  const auto state = optimiser.state();
  const auto expect_refusal = [&](std::string_view part, auto change) {
    auto changed = state;
    change(changed);
    expect_error(ErrorCode::kBadModel, {"state file", part},
                 [&] { optimiser.set_state(changed, "state file"); });
  };
  const std::string first = state.begin()->first;
  expect_refusal("nobody.momentum", [](auto& s) { s["nobody.momentum"] = at::ones({1}); });
  expect_refusal(first, [&](auto& s) { s[first] = at::ones({1, 2}); });
  expect_refusal(first, [&](auto& s) { s[first] = at::full_like(s[first], NAN); });
  if (GetParam() == OptimiserKind::kAdamW) {
    expect_refusal("not complete", [&](auto& s) { s.erase(first); });
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, OptimiserState,
                         ::testing::Values(OptimiserKind::kSgd, OptimiserKind::kAdamW),
                         [](const auto& info) {
                           return info.param == OptimiserKind::kSgd ? "Sgd" : "AdamW";
                         });

}  // namespace
}  // namespace cdfss
