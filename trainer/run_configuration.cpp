#include "run_configuration.h"

#include <map>
#include <set>
#include <sstream>
#include <vector>

#include "cdfss/error.h"
#include "run_folder.h"

namespace cdfss {
namespace {

// What leaves every step the same.
const std::set<std::string> kOfNoStep{"output", "export",  "max-seconds",   "checkpoint-every",
                                      "device", "threads", "loader-threads"};

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

// "\n  --name: VALUE WHERE, VALUE WHERE" for each option that two configurations set differently.
std::string differences(const std::string& first, const std::string& in_first,
                        const std::string& second, const std::string& in_second,
                        const std::set<std::string>& ignored) {
  const Values a = parse(first);
  const Values b = parse(second);
  std::set<std::string> names;
  for (const auto& [name, values] : a) names.insert(name);
  for (const auto& [name, values] : b) names.insert(name);
  std::string text;
  for (const std::string& name : names) {
    if (ignored.contains(name)) continue;
    const auto value = a.find(name);
    const auto other = b.find(name);
    if (value != a.end() && other != b.end() && same(value->second, other->second)) continue;
    text += "\n  --" + name + ": " + text_of(a, name) + " " + in_first + ", " + text_of(b, name) +
            " " + in_second;
  }
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
  std::set<std::string> ignored = kOfNoStep;
  ignored.insert({"steps", "epochs"});
  const std::string found = differences(stored, "in the run", now, "now", ignored);
  if (found.empty()) return;
  throw Error(ErrorCode::kInvalidValue,
              source.string() + " is of a run with other options:" + found +
                  "\nLeave out what --resume should take from the run, or start a new one in "
                  "another --output.");
}

void require_same_processes(const std::vector<std::string>& configurations) {
  for (std::size_t i = 1; i < configurations.size(); ++i) {
    const std::string found = differences(configurations[0], "in process 0", configurations[i],
                                          "in process " + std::to_string(i), kOfNoStep);
    if (found.empty()) continue;
    throw Error(ErrorCode::kInvalidValue,
                "the processes of the run were started with different options:" + found);
  }
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
