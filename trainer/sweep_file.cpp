// read_sweep(): the grid of a sweep file as rows.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "cdfss/error.h"
#include "data/json_file.h"
#include "sweep.h"

namespace cdfss {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kDefaultSeed = 321;  // cdfss-train's

[[noreturn]] void refuse(const std::string& entry, const std::string& expected) {
  throw Error(ErrorCode::kInvalidValue, "\"" + entry + "\": expected " + expected);
}

std::string word(const std::string& entry, const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  refuse(entry, "text, a number or true");
}

const Json& object(const std::string& entry, const Json& value) {
  if (!value.is_object() || value.empty()) refuse(entry, "an object with entries");
  return value;
}

// Every point with one more option, once for each of its values.
std::vector<SweepPoint> extended(const std::vector<SweepPoint>& points, const std::string& option,
                                 const std::vector<std::string>& values) {
  std::vector<SweepPoint> all;
  for (const SweepPoint& point : points) {
    for (const std::string& value : values) {
      SweepPoint next = point;
      next.name += (next.name.empty() ? "" : ", ") + value;
      next.options.emplace_back(option, value);
      all.push_back(std::move(next));
    }
  }
  return all;
}

std::vector<SweepPoint> points_of(const Json& grid) {
  std::vector<SweepPoint> points{SweepPoint{}};
  for (const auto& [option, values] : object("grid", grid).items()) {
    const std::string entry = "grid." + option;
    if (option == "seed") refuse(entry, "\"seeds\" beside the grid instead");
    if (option == "output") refuse(entry, "--output on the command line instead");
    if (!values.is_array() || values.empty()) refuse(entry, "a list of values");
    std::vector<std::string> words;
    for (const Json& value : values) {
      words.push_back(word(entry, value));
      if (std::ranges::count(words, words.back()) > 1) {
        refuse(entry, "each value once, not " + words.back() + " twice");
      }
    }
    points = extended(points, option, words);
  }
  return points;
}

std::vector<std::uint64_t> seeds_of(const Json& list) {
  if (!list.is_array() || list.empty()) refuse("seeds", "a list of numbers");
  std::vector<std::uint64_t> seeds;
  for (const Json& seed : list) {
    if (!seed.is_number_unsigned()) refuse("seeds", "numbers of 0 or more");
    seeds.push_back(seed.get<std::uint64_t>());
    // Counted twice, a run would make the spread between seeds smaller than it is.
    if (std::ranges::count(seeds, seeds.back()) > 1) refuse("seeds", "each number once");
  }
  return seeds;
}

std::map<std::string, OptionValues> evaluations_of(const Json& columns) {
  std::map<std::string, OptionValues> evaluations;
  for (const auto& [column, options] : object("evaluate", columns).items()) {
    const std::string entry = "evaluate." + column;
    for (const auto& [option, value] : object(entry, options).items()) {
      if (option == "model" || option == "report") {
        refuse(entry + "." + option, "no such entry: it is the run's");
      }
      evaluations[column].emplace_back(option, word(entry + "." + option, value));
    }
  }
  return evaluations;
}

Sweep sweep_of(const Json& json) {
  object("sweep", json);
  for (const auto& [key, value] : json.items()) {
    if (key != "grid" && key != "seeds" && key != "evaluate") {
      refuse(key, "only grid, seeds and evaluate");
    }
  }
  if (!json.contains("grid")) refuse("grid", "an object {option: [value, ...], ...}");
  Sweep sweep{.points = points_of(json["grid"]), .seeds = {kDefaultSeed}, .evaluations = {}};
  if (json.contains("seeds")) sweep.seeds = seeds_of(json["seeds"]);
  if (json.contains("evaluate")) sweep.evaluations = evaluations_of(json["evaluate"]);
  return sweep;
}

}  // namespace

Sweep read_sweep(const std::filesystem::path& file) {
  try {
    return read_json(file, sweep_of);
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kInvalidValue) throw;
    throw Error(e.code(), file.string() + ": " + e.what());
  }
}

}  // namespace cdfss
