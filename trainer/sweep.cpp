#include "sweep.h"

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "cdfss/error.h"
#include "child_process.h"
#include "data/json_file.h"
#include "program.h"
#include "report.h"

namespace cdfss {
namespace {

constexpr const char* kValidation = "validation";

// By column: a score of 0..1.
using Scores = std::map<std::string, double>;

std::string file_name(const std::string& row) {
  std::string name;
  for (const char c : row) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.';
    name += plain ? c : '_';
  }
  return name;
}

void append(std::vector<std::string>& arguments, const OptionValues& options) {
  for (const auto& [name, value] : options) {
    // A flag is given alone, any other option with its value.
    arguments.push_back(value == "true" ? "--" + name : "--" + name + "=" + value);
  }
}

// mIoU of the run's last validation; none if it had none.
std::optional<double> last_validation(const std::filesystem::path& metrics) {
  std::ifstream stream(metrics);
  std::optional<double> miou;
  for (std::string line; std::getline(stream, line);) {
    const auto entry = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (entry.is_object() && entry.contains("validation_miou")) {
      miou = entry["validation_miou"].get<double>();
    }
  }
  return miou;
}

class Runner {
 public:
  Runner(const Sweep& sweep, const std::vector<std::string>& arguments,
         const std::filesystem::path& output)
      : sweep_(sweep), arguments_(arguments), output_(output) {}

  // The scores of one run, measured now or before; none when interrupted.
  std::optional<Scores> run(const SweepPoint& point, std::uint64_t seed) {
    const std::string name = file_name(point.name) + "-seed-" + std::to_string(seed);
    const std::filesystem::path result = output_ / (name + ".json");
    const auto arguments = training_arguments(point, seed, output_ / name);
    const std::optional<Measured> known = measured_before(result, arguments);
    if (!known && !train(point, seed, name)) return std::nullopt;
    Scores scores;
    if (known && known->scores.contains(kValidation)) {
      scores[kValidation] = known->scores.at(kValidation);
    } else if (const auto miou = last_validation(output_ / name / "metrics.jsonl")) {
      scores[kValidation] = *miou;
    }
    for (const auto& [column, options] : sweep_.evaluations) {
      const auto miou = known && known->has(column, options)
                            ? std::optional(known->scores.at(column))
                            : evaluate(name, column, options);
      if (!miou) return std::nullopt;
      scores[column] = *miou;
    }
    write_report(
        result,
        {{"arguments", arguments}, {"evaluations", sweep_.evaluations}, {"scores", scores}});
    return scores;
  }

 private:
  // What the file of a run's results has.
  struct Measured {
    std::map<std::string, OptionValues> evaluations;  // by column: how it was measured
    Scores scores;

    bool has(const std::string& column, const OptionValues& options) const {
      const auto found = evaluations.find(column);
      return found != evaluations.end() && found->second == options;
    }
  };

  static std::optional<Measured> measured_before(const std::filesystem::path& result,
                                                 const std::vector<std::string>& arguments) {
    if (!std::filesystem::exists(result)) return std::nullopt;
    return read_json(result, [&](const nlohmann::json& known) {
      if (known.at("arguments") != arguments) {
        throw Error(ErrorCode::kInvalidValue,
                    result.string() +
                        " was trained with other options; choose another --output, or remove it "
                        "and the folder beside it to train again");
      }
      return Measured{
          .evaluations = known.value("evaluations", std::map<std::string, OptionValues>()),
          .scores = known.at("scores").get<Scores>()};
    });
  }

  std::vector<std::string> training_arguments(const SweepPoint& point, std::uint64_t seed,
                                              const std::filesystem::path& folder) const {
    std::vector<std::string> arguments = arguments_;
    append(arguments, point.options);
    append(arguments, {{"seed", std::to_string(seed)}, {"output", folder.string()}});
    return arguments;
  }

  bool train(const SweepPoint& point, std::uint64_t seed, const std::string& name) {
    std::vector<std::string> arguments = training_arguments(point, seed, output_ / name);
    if (std::filesystem::exists(output_ / name)) arguments.push_back("--resume");
    return finished("cdfss-train", arguments, name);
  }

  std::optional<double> evaluate(const std::string& name, const std::string& column,
                                 const OptionValues& options) {
    const std::filesystem::path report = output_ / name / (file_name(column) + ".json");
    std::vector<std::string> arguments;
    append(arguments, options);
    append(arguments, {{"model", (output_ / name / "last.safetensors").string()},
                       {"report", report.string()}});
    if (!finished("cdfss-eval", arguments, name)) return std::nullopt;
    return read_json(report,
                     [](const nlohmann::json& json) { return json.at("miou").get<double>(); });
  }

  // False when interrupted. What the program says goes to the run's log.
  bool finished(const std::string& program, const std::vector<std::string>& arguments,
                const std::string& name) {
    const std::filesystem::path log = output_ / (name + ".log");
    const int status = run_child(sibling_program(program), arguments, log);
    if (interrupted()) return false;
    if (status != kExitDone) {
      throw Error(ErrorCode::kInference, program + " of the run " + name + " ended with " +
                                             std::to_string(status) + "; see " + log.string());
    }
    return true;
  }

  const Sweep& sweep_;
  const std::vector<std::string>& arguments_;
  const std::filesystem::path& output_;
};

// Mean and deviation of a column over a row's runs, in percent.
std::string cell(const std::vector<Scores>& runs, const std::string& column) {
  std::vector<double> values;
  for (const Scores& scores : runs) {
    if (const auto score = scores.find(column); score != scores.end()) {
      values.push_back(100 * score->second);
    }
  }
  if (values.empty()) return "-";
  const Spread spread = spread_of(values);
  char text[64];
  std::snprintf(text, sizeof text, "%.1f ± %.1f", spread.mean, spread.deviation);
  return text;
}

void write_tables(const Sweep& sweep, const std::map<std::string, std::vector<Scores>>& results,
                  const std::filesystem::path& output) {
  std::vector<std::string> columns{kValidation};
  for (const auto& [column, options] : sweep.evaluations) columns.push_back(column);
  std::vector<Table::Column> titles;
  for (const std::string& column : columns) titles.push_back({.title = column});
  Table rows("run", titles);
  for (const SweepPoint& point : sweep.points) {
    std::vector<std::string> cells{point.name};
    for (const std::string& column : columns) cells.push_back(cell(results.at(point.name), column));
    rows.add_text(cells);
  }
  const std::string table = "mIoU in percent, mean ± standard deviation over " +
                            std::to_string(sweep.seeds.size()) + " seeds.\n\n" +
                            rows.text(TableStyle::kMarkdown);
  std::cout << table;
  std::ofstream markdown(output / "sweep.md");
  markdown << table;
  markdown.close();
  if (!markdown) {
    throw Error(ErrorCode::kUnreadable, (output / "sweep.md").string() + " cannot be written");
  }
  write_report(output / "sweep.json", {{"seeds", sweep.seeds}, {"runs", results}});
}

}  // namespace

bool run_sweep(const Sweep& sweep, const std::vector<std::string>& arguments,
               const std::filesystem::path& output) {
  std::filesystem::create_directories(output);
  Runner runner(sweep, arguments, output);
  const std::size_t total = sweep.points.size() * sweep.seeds.size();
  std::map<std::string, std::vector<Scores>> results;
  std::size_t number = 0;
  // Seeds outside: a sweep that is cut short has as many runs of each row.
  for (const std::uint64_t seed : sweep.seeds) {
    for (const SweepPoint& point : sweep.points) {
      std::cout << "run " << ++number << " of " << total << ": " << point.name << ", seed " << seed
                << std::endl;
      const auto scores = runner.run(point, seed);
      if (!scores) return false;
      results[point.name].push_back(*scores);
    }
  }
  write_tables(sweep, results, output);
  return true;
}

}  // namespace cdfss
