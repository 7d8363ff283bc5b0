#include "io/model_file.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "io/module_tensors.h"
#include "io/safetensors.h"
#include "io_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::TemporaryFolder;

// Every value differs from its default, so that one that is not stored shows.
AsgnetOptions some_options() {
  AsgnetOptions options;
  options.backbone = "resnet50";
  options.memory_layers = {1};
  options.memory = {.channels = 0,
                    .slots = 7,
                    .retention = 0.3,
                    .momentum = 0.85,
                    .update = MemoryUpdate::kPaper,
                    .init = MemoryInit::kRandom,
                    .dead_after = 17};
  return options;
}

ModelInfo some_info() {
  ModelInfo info;
  info.input_size = 241;
  info.threshold = 0.1F;
  info.target_enhancement = TargetEnhancement::kUnion;
  info.metadata = {{"training_source", "coco fold 2"}, {"git_revision", "abc"}};
  return info;
}

class ModelFile : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    at::manual_seed(1);
    state_ = new State;
    // BatchNorm statistics as trained ones are: not all 0 and 1, and beyond what half can hold.
    for (auto& [name, tensor] : module_tensors(*state_->network)) {
      const at::NoGradGuard no_grad;
      if (name.ends_with("running_var")) tensor.fill_(1e5);
      if (name.ends_with("running_mean")) tensor.fill_(0.1);
    }
    save_model(float32(), state_->network, some_info(), Storage::kFloat32);
    save_model(float16(), state_->network, some_info(), Storage::kFloat16);
  }
  static void TearDownTestSuite() { delete state_; }

  static std::filesystem::path float32() { return state_->folder / "float32.safetensors"; }
  static std::filesystem::path float16() { return state_->folder / "float16.safetensors"; }
  static Asgnet& network() { return state_->network; }
  static const TemporaryFolder& folder() { return state_->folder; }

  // Saves the half file with one change and expects it to be refused for a reason that names
  // `part`.
  static void expect_refused(std::string_view part, std::string_view reason,
                             const std::function<void(SafetensorsFile&)>& damage) {
    SafetensorsFile content = read_safetensors(float16());
    damage(content);
    const auto file = folder() / "changed.safetensors";
    write_safetensors(file, content.tensors, content.metadata);
    expect_error(ErrorCode::kBadModel, {"changed.safetensors", part, reason},
                 [&] { load_model(file); });
  }

 private:
  struct State {
    TemporaryFolder folder;
    Asgnet network{some_options()};
  };
  static State* state_;
};
ModelFile::State* ModelFile::state_ = nullptr;

void expect_some_info(const ModelInfo& info) {
  EXPECT_EQ(info.backbone, "resnet50");
  EXPECT_EQ(info.memory_layers, std::vector<int>{1});
  EXPECT_EQ(info.memory_slots, 7);
  EXPECT_EQ(info.input_size, 241);
  EXPECT_EQ(info.threshold, 0.1F);
  EXPECT_EQ(info.target_enhancement, TargetEnhancement::kUnion);
  EXPECT_EQ(info.metadata, some_info().metadata);
}

TEST_F(ModelFile, Float32ComesBackEqual) {
  LoadedModel loaded = load_model(float32());
  expect_some_info(loaded.info);
  EXPECT_FALSE(loaded.network->is_training());
  const AsgnetOptions& options = loaded.network->options();
  EXPECT_EQ(options.backbone, "resnet50");
  EXPECT_EQ(options.memory_layers, std::vector<int>{1});
  EXPECT_EQ(options.memory.slots, 7);
  EXPECT_EQ(options.memory.retention, 0.3);
  EXPECT_EQ(options.memory.momentum, 0.85);
  EXPECT_EQ(options.memory.update, MemoryUpdate::kPaper);
  EXPECT_EQ(options.memory.init, MemoryInit::kRandom);
  EXPECT_EQ(options.memory.dead_after, 17);
  const auto saved = module_tensors(*network());
  const auto read = module_tensors(*loaded.network);
  ASSERT_EQ(read.size(), saved.size());
  for (const auto& [name, tensor] : saved) EXPECT_TRUE(read.at(name).equal(tensor)) << name;
}

TEST_F(ModelFile, Float16HalvesConvolutionsOnly) {
  const auto stored = read_safetensors(float16()).tensors;
  LoadedModel loaded = load_model(float16());
  const auto read = module_tensors(*loaded.network);
  int halves = 0;
  for (const auto& [name, tensor] : module_tensors(*network())) {
    const bool half = tensor.dim() == 4;
    halves += half ? 1 : 0;
    EXPECT_EQ(stored.at(name).scalar_type(), half ? at::kHalf : tensor.scalar_type()) << name;
    EXPECT_EQ(read.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(read.at(name).equal(half ? tensor.to(at::kHalf).to(at::kFloat) : tensor)) << name;
  }
  EXPECT_GT(halves, 60);
  EXPECT_LT(std::filesystem::file_size(float16()), 40'000'000U);
  EXPECT_EQ(stored.at("memory.1.mean").sizes(), (at::IntArrayRef{7, 256}));
}

TEST_F(ModelFile, InfoIsReadFromTheHeaderAlone) { expect_some_info(read_model_info(float16())); }

TEST_F(ModelFile, ModelWithoutMemoryOnADeepStemComesBack) {
  AsgnetOptions options;
  options.backbone = "resnet50-deep";
  options.memory_layers = {};
  Asgnet deep(options);
  const auto file = folder() / "deep.safetensors";
  save_model(file, deep, some_info(), Storage::kFloat32);
  LoadedModel loaded = load_model(file);
  EXPECT_TRUE(loaded.network->memories().empty());
  EXPECT_EQ(loaded.info.memory_slots, 0);
  EXPECT_TRUE(module_tensors(*loaded.network)
                  .at("layer0.6.weight")
                  .equal(module_tensors(*deep).at("layer0.6.weight")));
}

TEST_F(ModelFile, MissingTensorIsNamed) {
  expect_refused("\"layer2.3.conv2.weight\"", "missing",
                 [](auto& file) { file.tensors.erase("layer2.3.conv2.weight"); });
}

TEST_F(ModelFile, UnexpectedTensorIsNamed) {
  expect_refused("\"layer4.0.conv1.weight\"", "none of",
                 [](auto& file) { file.tensors["layer4.0.conv1.weight"] = at::zeros({1}); });
}

TEST_F(ModelFile, WrongShapeIsNamedWithBoth) {
  expect_refused("\"cls.0.weight\"", "expected [256, 256, 3, 3]",
                 [](auto& file) { file.tensors["cls.0.weight"] = at::zeros({2, 256, 3, 3}); });
}

TEST_F(ModelFile, IntegersAreNoWeights) {
  expect_refused("\"layer0.1.bias\"", "floating",
                 [](auto& file) { file.tensors["layer0.1.bias"] = at::zeros({64}, at::kInt); });
}

TEST_F(ModelFile, CountsMustBeIntegers) {
  expect_refused("\"memory.1.filled\"", "expected Long",
                 [](auto& file) { file.tensors["memory.1.filled"] = at::zeros({}); });
}

TEST_F(ModelFile, ValuesThatAreNotFiniteAreRefused) {
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    expect_refused("\"layer0.1.running_mean\"", "not finite",
                   [&](auto& file) { file.tensors["layer0.1.running_mean"][63] = value; });
  }
}

TEST_F(ModelFile, MemoryOutOfItsRangeIsRefused) {
  expect_refused("\"memory.1.filled\"", "0 to 7",
                 [](auto& file) { file.tensors["memory.1.filled"].fill_(8); });
  expect_refused("\"memory.1.std\"", "negative",
                 [](auto& file) { file.tensors["memory.1.std"][0][0] = -0.5; });
}

TEST_F(ModelFile, SettingsOfAnotherNetworkDoNotFitItsTensors) {
  expect_refused("\"memory.1.", "expected [2, 9]",
                 [](auto& file) { file.metadata["memory_slots"] = "9"; });
  expect_refused("\"layer0.0.weight\"", "[64, 3, 3, 3]",
                 [](auto& file) { file.metadata["backbone"] = "resnet50-deep"; });
}

TEST_F(ModelFile, SafetensorsOfSomethingElseIsRefused) {
  const auto file = folder() / "foreign.safetensors";
  write_safetensors(file, {{"w", at::zeros({2})}}, {{"format", "pt"}});
  for (const auto& read : {std::function<void()>([&] { load_model(file); }),
                           std::function<void()>([&] { read_model_info(file); })}) {
    expect_error(ErrorCode::kBadModel, {"foreign.safetensors", "\"pt\"", "cdfss-model"}, read);
  }
  expect_error(ErrorCode::kNotFound, {"absent"}, [&] { load_model(folder() / "absent"); });
}

TEST_F(ModelFile, SavingRefusesWhatLoadingWould) {
  const auto file = folder() / "refused.safetensors";
  const auto save = [&](Storage storage = Storage::kFloat32) {
    save_model(file, network(), some_info(), storage);
  };
  at::Tensor weight = module_tensors(*network()).at("down_conv.0.weight");
  const at::NoGradGuard no_grad;
  at::Tensor first = weight.flatten()[0];
  const float value = first.item<float>();
  first.fill_(1e6);  // beyond half precision
  expect_error(ErrorCode::kInvalidValue, {"refused", "\"down_conv.0.weight\"", "half"},
               [&] { save(Storage::kFloat16); });
  first.fill_(std::numeric_limits<float>::quiet_NaN());
  expect_error(ErrorCode::kInvalidValue, {"refused", "\"down_conv.0.weight\"", "finite"}, save);
  first.fill_(value);

  at::Tensor mean = module_tensors(*network()).at("memory.1.mean").flatten()[0];
  const float old_mean = mean.item<float>();
  mean.fill_(-1);
  expect_error(ErrorCode::kInvalidValue, {"refused", "\"memory.1.mean\"", "negative"}, save);
  mean.fill_(old_mean);

  ModelInfo info = some_info();
  info.threshold = 1.5F;
  expect_error(ErrorCode::kInvalidValue, {"threshold", "1.5", "0 to 1"},
               [&] { save_model(file, network(), info, Storage::kFloat32); });
  EXPECT_FALSE(std::filesystem::exists(file));
}

}  // namespace
}  // namespace cdfss
