#include "run_state.h"

#include <ATen/ATen.h>

#include <charconv>
#include <cmath>

#include "cdfss/error.h"
#include "io/safetensors.h"

namespace cdfss {
namespace {

constexpr const char* kFormat = "cdfss-training-state";
constexpr const char* kVersion = "1";

using Metadata = std::map<std::string, std::string>;
using Tensors = std::map<std::string, at::Tensor>;

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& what) {
  throw Error(ErrorCode::kBadModel, file.string() + ": " + what);
}

// Shortest text that reads back as the same number.
template <typename Number>
std::string text_of(Number value) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

const std::string& entry(const Metadata& metadata, const std::string& key,
                         const std::filesystem::path& file) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) refuse(file, "entry \"" + key + "\" is missing");
  return found->second;
}

template <typename Number>
Number number(const Metadata& metadata, const std::string& key, Number least,
              const std::filesystem::path& file) {
  const std::string& text = entry(metadata, key, file);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= least)) {
    refuse(file, "entry \"" + key + "\" is \"" + text + "\", expected a number of at least " +
                     text_of(least));
  }
  return value;
}

template <typename Value>
void add_prefixed(std::map<std::string, Value>& to, const std::string& prefix,
                  const std::map<std::string, Value>& from) {
  for (const auto& [name, value] : from) to.emplace(prefix + name, value);
}

// Values whose name has the prefix, without it; they are taken out of `from`.
template <typename Value>
std::map<std::string, Value> take_prefixed(std::map<std::string, Value>& from,
                                           const std::string& prefix) {
  std::map<std::string, Value> taken;
  for (auto it = from.lower_bound(prefix); it != from.end() && it->first.starts_with(prefix);) {
    taken.emplace(it->first.substr(prefix.size()), it->second);
    it = from.erase(it);
  }
  return taken;
}

void require_finite(const Tensors& tensors, const std::filesystem::path& file) {
  for (const auto& [name, tensor] : tensors) {
    if (tensor.is_floating_point() && !at::isfinite(tensor).all().item<bool>()) {
      throw Error(ErrorCode::kInvalidValue,
                  name + " has values that are not finite; " + file.string() + " was not written");
    }
  }
}

}  // namespace

void write_run_state(const std::filesystem::path& file, const RunState& state) {
  Tensors tensors;
  add_prefixed(tensors, "network.", state.network);
  add_prefixed(tensors, "optimiser.", state.optimiser);
  add_prefixed(tensors, "generator.", state.generators);
  require_finite(tensors, file);
  Metadata metadata{{"format", kFormat},
                    {"format_version", kVersion},
                    {"step", text_of(state.step)},
                    {"steps", text_of(state.steps)},
                    {"batches", text_of(state.batches)},
                    {"validated_step", text_of(state.validated_step)},
                    {"best_miou", text_of(state.best_miou)},
                    {"seconds", text_of(state.seconds)},
                    {"configuration", state.configuration},
                    {"environment", state.environment},
                    {"data", state.data}};
  add_prefixed(metadata, "model.", encode_settings(state.model.network, state.model.info));
  write_safetensors(file, tensors, metadata);
}

RunState read_run_state(const std::filesystem::path& file) {
  SafetensorsFile content = read_safetensors(file);
  Metadata& metadata = content.metadata;
  const auto format = metadata.find("format");
  if (format == metadata.end() || format->second != kFormat) {
    refuse(file, std::string("is not the state of a training run: its format is not ") + kFormat);
  }
  if (entry(metadata, "format_version", file) != kVersion) {
    refuse(file, "its format_version is \"" + entry(metadata, "format_version", file) +
                     "\", expected " + kVersion);
  }
  RunState state;
  state.step = number<int>(metadata, "step", 0, file);
  state.steps = number<int>(metadata, "steps", 1, file);
  state.batches = number<std::int64_t>(metadata, "batches", state.step, file);
  state.validated_step = number<int>(metadata, "validated_step", 0, file);
  state.best_miou = number<double>(metadata, "best_miou", -1, file);
  state.seconds = number<double>(metadata, "seconds", 0, file);
  if (state.step > state.steps || state.validated_step > state.step) {
    refuse(file, "it says step " + std::to_string(state.step) + " of " +
                     std::to_string(state.steps) + ", validated at " +
                     std::to_string(state.validated_step));
  }
  state.configuration = entry(metadata, "configuration", file);
  state.environment = entry(metadata, "environment", file);
  state.data = entry(metadata, "data", file);
  try {
    state.model = decode_settings(take_prefixed(metadata, "model."));
  } catch (const Error& e) {
    refuse(file, e.what());
  }
  state.network = take_prefixed(content.tensors, "network.");
  state.optimiser = take_prefixed(content.tensors, "optimiser.");
  state.generators = take_prefixed(content.tensors, "generator.");
  if (!content.tensors.empty()) {
    refuse(file, "tensor \"" + content.tensors.begin()->first + "\" is none of a training state");
  }
  if (!state.generators.contains("cpu")) refuse(file, "tensor \"generator.cpu\" is missing");
  return state;
}

}  // namespace cdfss
