// Named settings of cdfss-train: the rows of the paper's ablation tables, and the readings of its
// text that SPEC B lists.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

namespace cdfss {

struct Preset {
  std::string name;
  std::string meaning;  // one line: what it is, and where in the paper
  // Long option names without dashes, and their values.
  std::vector<std::pair<std::string, std::string>> options;
};

const std::vector<Preset>& presets();

// Gives the options of `app` that neither the command line nor a configuration file has set the
// values of the preset `name`; of the others, those with another value are named on stderr. Throws
// CLI::ValidationError listing the names for an unknown one.
void apply_preset(CLI::App& app, const std::string& name);

// One line a preset, for people.
std::string list_presets();

}  // namespace cdfss
