#include "io/model_settings.h"

#include <gtest/gtest.h>

#include "io_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;

std::map<std::string, std::string> default_metadata() {
  ModelInfo info;
  info.input_size = 473;
  return encode_settings({}, info);
}

TEST(ModelSettings, AreStoredAsReadableText) {
  const std::map<std::string, std::string> expected{
      {"format", "cdfss-model"},
      {"format_version", "1"},
      {"backbone", "resnet50-caffe"},
      {"memory_layers", "0,1"},
      {"memory_slots", "10"},
      {"memory_alpha", "0.1"},
      {"memory_momentum", "0.9"},
      {"memory_update", "nearest"},
      {"memory_init", "first_instances"},
      {"memory_dead_after", "100"},
      {"object_directions", "0"},
      {"background_directions", "0"},
      {"input_size", "473"},
      {"threshold", "0.5"},
      {"target_enhancement", "none"},
  };
  EXPECT_EQ(default_metadata(), expected);
}

TEST(ModelSettings, MemoryLayersAreAnyAscendingSubset) {
  for (const std::vector<int>& layers : {std::vector<int>{}, {0}, {3}, {0, 2}, {0, 1, 2, 3}}) {
    AsgnetOptions network;
    network.memory_layers = layers;
    ModelInfo info;
    info.input_size = 41;
    const ModelSettings back = decode_settings(encode_settings(network, info));
    EXPECT_EQ(back.network.memory_layers, layers);
    EXPECT_EQ(back.info.memory_layers, layers);
  }
}

TEST(ModelSettings, OtherEntriesAreFreeMetadata) {
  auto metadata = default_metadata();
  metadata["training_source"] = "coco";
  EXPECT_EQ(decode_settings(metadata).info.metadata,
            (std::map<std::string, std::string>{{"training_source", "coco"}}));
}

TEST(ModelSettings, EveryEntryIsRequired) {
  for (const auto& [key, value] : default_metadata()) {
    auto metadata = default_metadata();
    metadata.erase(key);
    expect_error(ErrorCode::kInvalidValue, {key, "missing"}, [&] { decode_settings(metadata); });
  }
}

TEST(ModelSettings, BadValuesAreRefusedWithKeyAndValue) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"format", "pt"},
      {"format_version", "2"},
      {"format_version", "1.0"},
      {"backbone", "resnet18"},
      {"memory_layers", "0,"},
      {"memory_layers", ",0"},
      {"memory_layers", "1,0"},
      {"memory_layers", "1,1"},
      {"memory_layers", "4"},
      {"memory_layers", "-1"},
      {"memory_layers", "0;1"},
      {"memory_slots", "0"},
      {"memory_slots", "-3"},
      {"memory_slots", "1000000000"},
      {"memory_slots", "99999999999999999999"},
      {"memory_slots", "10 "},
      {"memory_slots", ""},
      {"memory_alpha", "1.5"},
      {"memory_alpha", "nan"},
      {"memory_alpha", "-inf"},
      {"memory_momentum", "0,9"},
      {"memory_update", "Nearest"},
      {"memory_init", ""},
      {"memory_dead_after", "0"},
      {"object_directions", "-1"},
      {"background_directions", "20"},
      {"input_size", "33"},
      {"input_size", "240"},
      {"input_size", "2057"},
      {"threshold", "-0.1"},
      {"threshold", "half"},
      {"target_enhancement", "all"},
  };
  for (const auto& [key, value] : cases) {
    auto metadata = default_metadata();
    metadata[key] = value;
    // backbone and target enhancement are refused by those who know the names.
    const std::string noun = key == "target_enhancement" ? "target enhancement" : key;
    expect_error(ErrorCode::kInvalidValue, {noun, value, "expected"},
                 [&] { decode_settings(metadata); });
  }
}

TEST(ModelSettings, FreeMetadataMayNotPoseAsASetting) {
  for (const char* key : {"format", "backbone", "threshold"}) {
    ModelInfo info;
    info.input_size = 473;
    info.metadata = {{key, "x"}};
    expect_error(ErrorCode::kInvalidValue, {key}, [&] { encode_settings({}, info); });
  }
}

TEST(ModelSettings, EncodingChecksRanges) {
  ModelInfo info;  // input size 0
  expect_error(ErrorCode::kInvalidValue, {"input_size", "0"}, [&] { encode_settings({}, info); });
  info.input_size = 473;
  AsgnetOptions network;
  network.memory_layers = {1, 0};
  expect_error(ErrorCode::kInvalidValue, {"memory_layers", "1,0"},
               [&] { encode_settings(network, info); });
}

}  // namespace
}  // namespace cdfss
