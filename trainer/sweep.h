// A grid of training runs, and one table that compares them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace cdfss {

// Long option names without dashes, and their values.
using OptionValues = std::vector<std::pair<std::string, std::string>>;

// One row of the table.
struct SweepPoint {
  std::string name;  // its options' values, e.g. "table5-all, 10"
  OptionValues options;
};

// What a sweep file says, a JSON object:
//   "grid": {option: [value, ...], ...}      every combination is a row; cdfss-train's options
//   "seeds": [number, ...]                   runs a row, by default [321]
//   "evaluate": {column: {option: value}}    cdfss-eval's options (dataset, episodes, ...); the
//   model
//                                            is the run's last one. May be absent.
struct Sweep {
  std::vector<SweepPoint> points;
  std::vector<std::uint64_t> seeds;
  std::map<std::string, OptionValues> evaluations;
};

// Throws Error(kNotFound | kUnreadable | kInvalidValue) naming the file and the entry.
Sweep read_sweep(const std::filesystem::path& file);

// Trains and evaluates every point with every seed, one after another, each in a process of its own
// with `arguments` before the point's options; then writes sweep.md and sweep.json to `output`. A
// run that was trained before is not repeated, nor a measurement with the same options; one that
// was cut short goes on: the same command continues an interrupted sweep. Returns false when
// interrupted. Throws Error(kInference) naming the run that failed and its log.
bool run_sweep(const Sweep& sweep, const std::vector<std::string>& arguments,
               const std::filesystem::path& output);

}  // namespace cdfss
