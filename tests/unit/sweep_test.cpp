// Presets and sweep files: from names to options, without a run.
#include "sweep.h"

#include <gtest/gtest.h>

#include <set>

#include "io_test_support.h"
#include "presets.h"
#include "train_options.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::TemporaryFolder;

TrainOptions parse_with_preset(const std::string& preset, std::vector<std::string> arguments = {}) {
  CLI::App app;
  TrainOptions options;
  TrainOptionTexts texts;
  add_train_options(app, options, texts);
  arguments.insert(arguments.end(), {"--data", "folder:d", "--output", "o"});
  std::reverse(arguments.begin(), arguments.end());
  app.parse(arguments);
  apply_preset(app, preset);
  finish_options(options, texts);
  return options;
}

TEST(Presets, AllParseAndHaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const Preset& preset : presets()) {
    EXPECT_TRUE(names.insert(preset.name).second) << preset.name;
    EXPECT_NO_THROW(parse_with_preset(preset.name)) << preset.name;
  }
}

TEST(Presets, AreTheRowsOfTable5) {
  const TrainOptions baseline = parse_with_preset("table5-baseline");
  EXPECT_TRUE(baseline.network.memory_layers.empty());
  EXPECT_EQ(baseline.step.contrastive_weight, 0);
  EXPECT_EQ(baseline.target_enhancement, TargetEnhancement::kNone);

  EXPECT_EQ(parse_with_preset("table5-cons").step.contrastive_weight, 1);

  const TrainOptions source = parse_with_preset("table5-cons-mens");
  EXPECT_EQ(source.network.memory_layers, (std::vector<int>{0, 1}));
  EXPECT_TRUE(source.step.enhance_support);
  EXPECT_EQ(source.target_enhancement, TargetEnhancement::kNone);

  const TrainOptions memory = parse_with_preset("table5-mens-ment");
  EXPECT_EQ(memory.step.contrastive_weight, 0);
  EXPECT_EQ(memory.target_enhancement, TargetEnhancement::kBoth);

  const TrainOptions all = parse_with_preset("table5-all");
  EXPECT_EQ(all.step.contrastive_weight, 1);
  EXPECT_EQ(all.target_enhancement, TargetEnhancement::kBoth);
}

TEST(Presets, PutOthersInTheMemorysPlace) {
  const TrainOptions mixstyle = parse_with_preset("table4-mixstyle");
  EXPECT_TRUE(mixstyle.network.memory_layers.empty());
  EXPECT_EQ(mixstyle.step.encoder.style_shift, StyleShift::kMixStyle);
  EXPECT_EQ(mixstyle.step.encoder.mixing_layers, (std::vector<int>{0, 1}));
  EXPECT_EQ(parse_with_preset("table4-mixup").step.encoder.style_shift, StyleShift::kMixUp);
  EXPECT_EQ(parse_with_preset("noise").network.memory.lookup, MemoryLookup::kNoise);
  EXPECT_EQ(parse_with_preset("table6-layer2").network.memory_layers, std::vector<int>{2});
  EXPECT_EQ(parse_with_preset("figure5-pairs-20").network.memory.slots, 20);
}

TEST(Presets, GiveWayToWhatIsSaid) {
  ::testing::internal::CaptureStderr();
  const TrainOptions options = parse_with_preset("table5-all", {"--contrastive-weight", "0.5"});
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("--contrastive-weight is 0.5 as given, not 1"), std::string::npos) << said;
  EXPECT_EQ(said.find("--memory-layers"), std::string::npos) << said;
  EXPECT_EQ(options.step.contrastive_weight, 0.5);
  EXPECT_EQ(options.target_enhancement, TargetEnhancement::kBoth);
}

TEST(Presets, AnUnknownOneIsRefusedWithTheList) {
  try {
    parse_with_preset("table7");
    FAIL() << "no error";
  } catch (const CLI::ParseError& e) {
    EXPECT_NE(std::string(e.what()).find("table7"), std::string::npos);
    EXPECT_NE(std::string(e.what()).find("table5-cons-mens"), std::string::npos);
  }
}

Sweep read(const std::string& text) {
  TemporaryFolder folder;
  testing::write_bytes(folder / "sweep.json", text);
  return read_sweep(folder / "sweep.json");
}

TEST(SweepFile, CombinesEveryValueWithEveryOther) {
  const Sweep sweep = read(R"({"grid": {"memory-slots": [5, 10], "preset": ["a", "b", "c"]},
    "seeds": [1, 2], "evaluate": {"aerial": {"dataset": "folder:x", "episodes": 7}}})");
  ASSERT_EQ(sweep.points.size(), 6);
  EXPECT_EQ(sweep.points[0].name, "5, a");
  EXPECT_EQ(sweep.points[5].name, "10, c");
  EXPECT_EQ(sweep.points[5].options, (OptionValues{{"memory-slots", "10"}, {"preset", "c"}}));
  EXPECT_EQ(sweep.seeds, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(sweep.evaluations.at("aerial"),
            (OptionValues{{"dataset", "folder:x"}, {"episodes", "7"}}));
}

TEST(SweepFile, DefaultsToOneSeedAndNoEvaluation) {
  const Sweep sweep = read(R"({"grid": {"steps": [3]}})");
  EXPECT_EQ(sweep.seeds, std::vector<std::uint64_t>{321});
  EXPECT_TRUE(sweep.evaluations.empty());
}

TEST(SweepFile, NamesWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"grid": {}})", "grid"},
      {R"({"seeds": [1]})", "grid"},
      {R"({"grid": {"steps": 3}})", "grid.steps"},
      {R"({"grid": {"steps": [[3]]}})", "grid.steps"},
      {R"({"grid": {"seed": [3]}})", "seeds"},
      {R"({"grid": {"output": ["x"]}})", "grid.output"},
      {R"({"grid": {"steps": [3]}, "seeds": [-1]})", "seeds"},
      {R"({"grid": {"steps": [3]}, "seed": [1]})", "seed"},
      {R"({"grid": {"steps": [3]}, "seeds": [1, 2, 1]})", "seeds"},
      {R"({"grid": {"steps": [3, 4, 3]}})", "grid.steps"},
      {R"({"grid": {"steps": [3]}, "evaluate": {"a": {"model": "m"}}})", "evaluate.a.model"},
      {R"([1])", "sweep"},
  };
  for (const auto& [text, part] : cases) {
    expect_error(ErrorCode::kInvalidValue, {"sweep.json", part}, [&] { read(text); });
  }
  expect_error(ErrorCode::kUnreadable, {"sweep.json", "JSON"}, [] { read("{"); });
  expect_error(ErrorCode::kNotFound, {"absent.json"}, [] { read_sweep("absent.json"); });
}

}  // namespace
}  // namespace cdfss
