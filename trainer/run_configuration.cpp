#include "run_configuration.h"

#include <map>
#include <set>
#include <sstream>
#include <vector>

#include "cdfss/error.h"
#include "run_folder.h"

namespace cdfss {
namespace {

const std::set<std::string> kNotCompared{"output",           "export", "max-seconds",
                                         "checkpoint-every", "device", "threads",
                                         "loader-threads",   "steps",  "epochs"};

using Values = std::map<std::string, std::vector<std::string>>;

Values parse(const std::string& configuration) {
  std::istringstream stream(configuration);
  Values values;
  for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_config(stream)) {
    values[item.fullname()] = item.inputs;
  }
  return values;
}

bool same_number(const std::string& a, const std::string& b) {
  double x = 0, y = 0;
  return CLI::detail::lexical_cast(a, x) && CLI::detail::lexical_cast(b, y) && x == y;
}

// 0.001 and 1e-3 are the same.
bool same(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && !same_number(a[i], b[i])) return false;
  }
  return true;
}

std::string text_of(const Values& values, const std::string& name) {
  const auto found = values.find(name);
  if (found == values.end()) return "nothing";
  std::string text;
  for (const std::string& value : found->second) text += (text.empty() ? "" : " ") + value;
  return text;
}

// Of two options that exclude each other, a file may hold one: the given one, or that of the two
// whose default is not 0, which stands for "not given".
bool is_excluded(const CLI::Option& option) {
  if (option.count() > 0) return false;
  for (const CLI::Option* other : option.get_excludes()) {
    if (other->count() > 0 || option.get_default_str() == "0") return true;
  }
  return false;
}

}  // namespace

std::string effective_configuration(const CLI::App& app) {
  std::set<std::string> left_out;
  for (const CLI::Option* option : app.get_options()) {
    if (is_excluded(*option)) left_out.insert(option->get_single_name());
  }
  std::istringstream all(app.config_to_str(/*default_also=*/true));
  std::string kept;
  for (std::string line; std::getline(all, line);) {
    const std::size_t equals = line.find('=');
    if (left_out.contains(line.substr(0, equals)) || line.substr(equals + 1) == "\"\"") continue;
    kept += line + '\n';
  }
  return kept;
}

void require_same_configuration(const std::string& stored, const std::string& now,
                                const std::filesystem::path& source) {
  const Values before = parse(stored);
  const Values after = parse(now);
  std::set<std::string> names;
  for (const auto& [name, values] : before) names.insert(name);
  for (const auto& [name, values] : after) names.insert(name);
  std::string differences;
  for (const std::string& name : names) {
    if (kNotCompared.contains(name)) continue;
    const auto old_value = before.find(name);
    const auto new_value = after.find(name);
    if (old_value != before.end() && new_value != after.end() &&
        same(old_value->second, new_value->second)) {
      continue;
    }
    differences += "\n  --" + name + ": " + text_of(before, name) + " in the run, " +
                   text_of(after, name) + " now";
  }
  if (differences.empty()) return;
  throw Error(ErrorCode::kInvalidValue,
              source.string() + " is of a run with other options:" + differences +
                  "\nLeave out what --resume should take from the run, or start a new one in "
                  "another --output.");
}

std::string resumed_configuration(int argc, const char* const* argv) {
  CLI::App app;
  app.allow_extras();
  app.set_help_flag("");
  bool resume = false;
  std::filesystem::path output;
  app.add_flag("--resume", resume);
  app.add_option("--output", output);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError&) {
    return "";  // reported when the whole command line is parsed
  }
  const std::filesystem::path file = output / kConfigurationFile;
  return resume && std::filesystem::exists(file) ? file.string() : "";
}

}  // namespace cdfss
