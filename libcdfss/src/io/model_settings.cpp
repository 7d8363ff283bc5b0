#include "io/model_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "cdfss/error.h"

namespace cdfss {
namespace {

constexpr const char* kFormat = "cdfss-model";
constexpr int kFormatVersion = 1;

constexpr int kLargestLayer = 3;
constexpr int kMaxDirections = 1000;
constexpr int kMaxSlots = 4096;  // far beyond any use; bounds what a file can make us allocate
constexpr int kMinInputSize = 41, kMaxInputSize = 2049;

template <class Enum>
using Names = std::span<const std::pair<Enum, std::string_view>>;

constexpr std::array<std::pair<MemoryUpdate, std::string_view>, 2> kUpdates{
    {{MemoryUpdate::kNearest, "nearest"}, {MemoryUpdate::kPaper, "paper"}}};
constexpr std::array<std::pair<MemoryInit, std::string_view>, 2> kInits{
    {{MemoryInit::kFirstInstances, "first_instances"}, {MemoryInit::kRandom, "random"}}};

[[noreturn]] void refuse(std::string_view key, std::string_view value,
                         const std::string& expected) {
  throw Error(ErrorCode::kInvalidValue, "model setting " + std::string(key) + " = \"" +
                                            std::string(value) + "\": expected " + expected);
}

constexpr std::array<std::pair<MemoryLookup, std::string_view>, 2> kLookups{
    {{MemoryLookup::kStored, "stored"}, {MemoryLookup::kNoise, "noise"}}};

template <class Number>
std::string format_number(Number value) {
  std::array<char, 32> text;  // shortest text that reads back equal
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

template <class Number>
void check_range(std::string_view key, Number value, Number least, Number most) {
  if (!(value >= least && value <= most)) {  // catches NaN
    refuse(key, format_number(value), format_number(least) + " to " + format_number(most));
  }
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

[[noreturn]] void refuse_layers(std::string_view key, std::string_view text) {
  refuse(key, text, "layers of 0 to 3, ascending, separated by commas");
}

void check_layers(std::string_view key, std::string_view text, const std::vector<int>& layers) {
  int least = 0;
  for (const int layer : layers) {
    if (layer < least || layer > kLargestLayer) refuse_layers(key, text);
    least = layer + 1;
  }
}

class Encoder {
 public:
  explicit Encoder(std::map<std::string, std::string>& metadata) : metadata_(metadata) {}

  void field(const char* key, std::string& value) { set(key, value); }
  void field(const char* key, std::vector<int>& layers) {
    std::string text;
    for (const int layer : layers) {
      if (!text.empty()) text += ',';
      text += std::to_string(layer);
    }
    check_layers(key, text, layers);
    set(key, text);
  }
  template <class Number>
  void field(const char* key, Number& value, Number least, Number most) {
    check_range(key, value, least, most);
    set(key, format_number(value));
  }
  template <class Enum>
  void field(const char* key, Enum& value, Names<Enum> names) {
    for (const auto& [known, name] : names) {
      if (known == value) set(key, std::string(name));
    }
  }
  void field(const char* key, TargetEnhancement& value) { set(key, to_string(value)); }
  // A setting that older files lack: its default is not written.
  template <class Enum>
  void later_field(const char* key, Enum& value, Names<Enum> names) {
    if (value != names.front().first) field(key, value, names);
  }

 private:
  void set(const char* key, const std::string& value) {
    if (!metadata_.emplace(key, value).second) {
      throw Error(ErrorCode::kInvalidValue,
                  "model metadata \"" + std::string(key) + "\" is a setting's name");
    }
  }
  std::map<std::string, std::string>& metadata_;
};

// Takes the entries it reads out of the metadata; what remains is free metadata.
class Decoder {
 public:
  explicit Decoder(std::map<std::string, std::string>& metadata) : metadata_(metadata) {}

  void field(const char* key, std::string& value) { value = take(key); }
  void field(const char* key, std::vector<int>& layers) {
    const std::string text = take(key);
    layers.clear();
    // A comma promises another layer: "0," has an empty one, which is no integer.
    for (std::size_t begin = 0; !text.empty() && begin <= text.size();) {
      const std::size_t end = std::min(text.find(',', begin), text.size());
      const auto layer = number_in<int>(std::string_view(text).substr(begin, end - begin));
      if (!layer) refuse_layers(key, text);
      layers.push_back(*layer);
      begin = end + 1;
    }
    check_layers(key, text, layers);
  }
  template <class Number>
  void field(const char* key, Number& value, Number least, Number most) {
    const std::string text = take(key);
    const auto number = number_in<Number>(text);
    if (!number) refuse(key, text, std::integral<Number> ? "an integer" : "a number");
    check_range(key, *number, least, most);
    value = *number;
  }
  template <class Enum>
  void field(const char* key, Enum& value, Names<Enum> names) {
    const std::string text = take(key);
    std::string expected;
    for (const auto& [known, name] : names) {
      if (text == name) {
        value = known;
        return;
      }
      expected += (expected.empty() ? "" : " or ") + std::string(name);
    }
    refuse(key, text, expected);
  }
  void field(const char* key, TargetEnhancement& value) {
    value = target_enhancement_from_string(take(key));
  }
  template <class Enum>
  void later_field(const char* key, Enum& value, Names<Enum> names) {
    if (metadata_.contains(key)) field(key, value, names);
  }

 private:
  std::string take(const char* key) {
    auto entry = metadata_.extract(key);
    if (entry.empty()) {
      throw Error(ErrorCode::kInvalidValue,
                  "model setting " + std::string(key) + " is missing from the metadata");
    }
    return std::move(entry.mapped());
  }
  std::map<std::string, std::string>& metadata_;
};

// Every setting, once, for both directions: name, variable, range or names.
template <class Coder>
void code_settings(Coder& coder, AsgnetOptions& network, ModelInfo& info) {
  std::string format = kFormat;
  int version = kFormatVersion;
  coder.field("format", format);
  if (format != kFormat) refuse("format", format, kFormat);
  coder.field("format_version", version, kFormatVersion, kFormatVersion);
  coder.field("backbone", network.backbone);
  coder.field("memory_layers", network.memory_layers);
  coder.field("memory_slots", network.memory.slots, 1, kMaxSlots);
  coder.field("memory_alpha", network.memory.retention, 0.0, 1.0);
  coder.field("memory_momentum", network.memory.momentum, 0.0, 1.0);
  coder.field("memory_update", network.memory.update, Names<MemoryUpdate>(kUpdates));
  coder.field("memory_init", network.memory.init, Names<MemoryInit>(kInits));
  coder.field("memory_dead_after", network.memory.dead_after, 1, std::numeric_limits<int>::max());
  coder.later_field("memory_lookup", network.memory.lookup, Names<MemoryLookup>(kLookups));
  coder.field("object_directions", network.object_directions, 0, kMaxDirections);
  coder.field("background_directions", network.background_directions, 0, kMaxDirections);
  coder.field("input_size", info.input_size, kMinInputSize, kMaxInputSize);
  coder.field("threshold", info.threshold, 0.0F, 1.0F);
  coder.field("target_enhancement", info.target_enhancement);
}

void check(const AsgnetOptions& network, const ModelInfo& info) {
  ResNetLayout::from_name(network.backbone);
  if ((network.object_directions > 0) != (network.background_directions > 0)) {
    refuse("background_directions", format_number(network.background_directions),
           network.object_directions > 0 ? "1 or more, as object_directions is"
                                         : "0, as object_directions is");
  }
  if ((info.input_size - 1) % 8 != 0) {
    refuse("input_size", format_number(info.input_size), "S with (S - 1) a multiple of 8");
  }
}

}  // namespace

std::map<std::string, std::string> encode_settings(const AsgnetOptions& network,
                                                   const ModelInfo& info) {
  check(network, info);
  std::map<std::string, std::string> metadata = info.metadata;
  Encoder encoder(metadata);
  // The coder's variables are in and out; encoding leaves these copies as they are.
  AsgnetOptions network_copy = network;
  ModelInfo info_copy = info;
  code_settings(encoder, network_copy, info_copy);
  return metadata;
}

ModelSettings decode_settings(const std::map<std::string, std::string>& metadata) {
  ModelSettings settings;
  settings.info.metadata = metadata;
  Decoder decoder(settings.info.metadata);
  code_settings(decoder, settings.network, settings.info);
  check(settings.network, settings.info);
  settings.info.backbone = settings.network.backbone;
  settings.info.memory_layers = settings.network.memory_layers;
  settings.info.memory_slots =
      settings.network.memory_layers.empty() ? 0 : settings.network.memory.slots;
  return settings;
}

}  // namespace cdfss
