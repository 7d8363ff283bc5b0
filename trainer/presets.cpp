#include "presets.h"

#include <algorithm>
#include <iostream>

namespace cdfss {
namespace {

using Options = std::vector<std::pair<std::string, std::string>>;

const Options kPlain{{"memory-layers", "none"},
                     {"contrastive-weight", "0"},
                     {"source-enhancement", "none"},
                     {"target-enhancement", "none"}};
const Options kAll{{"memory-layers", "0,1"},
                   {"contrastive-weight", "1"},
                   {"source-enhancement", "support"},
                   {"target-enhancement", "both"}};

// `base` with some options replaced or added.
Options with(Options base, const Options& changes) {
  for (const auto& [name, value] : changes) {
    const auto same = std::ranges::find(base, name, &Options::value_type::first);
    same == base.end() ? void(base.emplace_back(name, value)) : void(same->second = value);
  }
  return base;
}

std::vector<Preset> make_presets() {
  std::vector<Preset> all{
      {"table5-baseline", "ASGNet alone: Table 5 'BS'", kPlain},
      {"table5-cons", "contrastive loss: Table 5 (a)", with(kPlain, {{"contrastive-weight", "1"}})},
      {"table5-cons-mens", "contrastive loss, memory on the source: Table 5 (b)",
       with(kAll, {{"target-enhancement", "none"}})},
      {"table5-mens-ment", "memory on source and target: Table 5 (c)",
       with(kAll, {{"contrastive-weight", "0"}})},
      {"table5-all", "the paper's method: Table 5 (d)", kAll},
      {"table4-mixup", "MixUp in the memory's place: Table 4",
       with(kPlain, {{"source-enhancement", "support"}, {"enhance-with", "mixup"}})},
      {"table4-mixstyle", "MixStyle in the memory's place: Table 4",
       with(kPlain, {{"memory-layers", "0,1"},
                     {"source-enhancement", "support"},
                     {"enhance-with", "mixstyle"}})},
      {"noise", "noise of the memory's mean and variance in its place: section 5.4",
       with(kAll, {{"enhance-with", "noise"}})},
      {"update-paper", "Eq. 3-4 as printed, from random slots: SPEC B4",
       with(kAll, {{"memory-update", "paper"}, {"memory-init", "random"}})},
      {"alpha-beta", "alpha from Beta(.1, .1) for every second image, as MixStyle: SPEC B8",
       with(kAll, {{"alpha-mode", "beta"}, {"enhancement-probability", "0.5"}})},
      {"temperature-0.1", "contrastive loss at its usual temperature: SPEC B14",
       with(kAll, {{"temperature", "0.1"}})},
  };
  for (const char* layer : {"none", "0", "1", "2", "3"}) {
    const bool none = std::string(layer) == "none";
    all.push_back({std::string("table6-") + (none ? "none" : std::string("layer") + layer),
                   none ? "no memory: Table 6"
                        : std::string("a memory after layer") + layer + " only: Table 6",
                   none ? with(kPlain, {{"contrastive-weight", "1"}})
                        : with(kAll, {{"memory-layers", layer}})});
  }
  for (const char* pairs : {"1", "5", "10", "20", "50"}) {
    all.push_back({std::string("figure5-pairs-") + pairs,
                   std::string(pairs) + " stored pairs a layer: Figure 5 right",
                   with(kAll, {{"memory-slots", pairs}})});
  }
  for (const char* who : {"none", "query", "both"}) {
    all.push_back({std::string("source-") + who,
                   std::string("enhanced in training: ") + who + " (SPEC B10)",
                   with(kAll, {{"source-enhancement", who}})});
  }
  return all;
}

}  // namespace

const std::vector<Preset>& presets() {
  static const std::vector<Preset> kPresets = make_presets();
  return kPresets;
}

void apply_preset(CLI::App& app, const std::string& name) {
  const auto preset = std::ranges::find(presets(), name, &Preset::name);
  if (preset == presets().end()) {
    throw CLI::ValidationError("--preset",
                               "'" + name + "' is not known; there are\n" + list_presets());
  }
  for (const auto& [option_name, value] : preset->options) {
    CLI::Option* option = app.get_option("--" + option_name);
    if (option->count() > 0) {
      const auto given = CLI::detail::join(option->reduced_results());
      if (given != value) {
        std::cerr << app.get_name() << ": --" << option_name << " is " << given << " as given, not "
                  << value << " as --preset " << name << " says\n";
      }
      continue;
    }
    option->add_result(value);
    option->run_callback();
  }
}

std::string list_presets() {
  std::size_t width = 0;
  for (const Preset& preset : presets()) width = std::max(width, preset.name.size());
  std::string text;
  for (const Preset& preset : presets()) {
    text += "  " + preset.name + std::string(width + 2 - preset.name.size(), ' ') + preset.meaning +
            "\n";
  }
  return text;
}

}  // namespace cdfss
