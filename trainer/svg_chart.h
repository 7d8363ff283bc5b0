// Line charts as SVG, for reports that are one file.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace cdfss {

struct ChartLine {
  std::string name;          // in the legend
  std::vector<double> x, y;  // equally many, x ascending; a y that is not finite leaves a gap
  bool faint = false;        // drawn pale, behind the others
};

struct Chart {
  std::string title, x_title;
  std::vector<ChartLine> lines;
  // Ends of the y axis where the values do not decide it.
  std::optional<double> y_low{}, y_high{};
};

// An <svg> element. A line of very many points is drawn as the means of about a thousand stretches.
// A chart without points says so.
std::string svg_chart(const Chart& chart);

// Round numbers from `low` to `high` or just beyond, about `count` of them: steps of 1, 2 or 5
// times a power of ten. `low` < `high`, both finite.
std::vector<double> round_ticks(double low, double high, int count);

}  // namespace cdfss
