#include "svg_chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "html_text.h"

namespace cdfss {
namespace {

// In user units of the SVG; the plot lies inside the margins.
constexpr double kWidth = 620, kHeight = 300;
constexpr double kLeft = 64, kRight = 14, kTop = 34, kBottom = 44;
constexpr std::size_t kMostPoints = 1000;  // of a drawn line
constexpr std::size_t kFewPoints = 40;     // that are marked one by one
// Okabe and Ito's colours, told apart by the colour-blind, too.
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73",
                                    "#cc79a7", "#e69f00", "#56b4e9"};

struct Point {
  double x, y;
};
struct Range {
  double low, high;
};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string coordinate(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

// Means of stretches of equally many points; gaps are left out of them.
std::vector<Point> thinned(const ChartLine& line) {
  const std::size_t stretch = (line.x.size() + kMostPoints - 1) / kMostPoints;
  std::vector<Point> points;
  for (std::size_t begin = 0; begin < line.x.size(); begin += stretch) {
    const std::size_t end = std::min(begin + stretch, line.x.size());
    Point sum{0, 0};
    int finite = 0;
    for (std::size_t i = begin; i < end; ++i) {
      if (!std::isfinite(line.y[i])) continue;
      sum.x += line.x[i];
      sum.y += line.y[i];
      ++finite;
    }
    const double nothing = std::numeric_limits<double>::quiet_NaN();
    points.push_back(finite > 0 ? Point{sum.x / finite, sum.y / finite} : Point{nothing, nothing});
  }
  return points;
}

Range range_of(const std::vector<std::vector<Point>>& lines, double Point::* axis) {
  Range range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const auto& line : lines) {
    for (const Point& point : line) {
      if (!std::isfinite(point.y)) continue;
      range.low = std::min(range.low, point.*axis);
      range.high = std::max(range.high, point.*axis);
    }
  }
  return range;
}

Range widened(Range range) {
  if (range.low < range.high) return range;
  const double around = range.low == 0 ? 1 : std::abs(range.low) / 2;
  return {range.low - around, range.high + around};
}

class Plot {
 public:
  Plot(Range x, Range y) : x_(x), y_(y) {}

  double across(double x) const {
    return kLeft + (x - x_.low) / (x_.high - x_.low) * (kWidth - kLeft - kRight);
  }
  double down(double y) const {
    return kHeight - kBottom - (y - y_.low) / (y_.high - y_.low) * (kHeight - kTop - kBottom);
  }

  std::string axes(const std::string& x_title) const {
    std::string svg;
    for (const double tick : round_ticks(y_.low, y_.high, 5)) {
      if (tick < y_.low || tick > y_.high) continue;
      const std::string y = coordinate(down(tick));
      svg += "<line class=\"grid\" x1=\"" + coordinate(kLeft) + "\" x2=\"" +
             coordinate(kWidth - kRight) + "\" y1=\"" + y + "\" y2=\"" + y + "\"/>";
      svg += text(kLeft - 6, down(tick) + 4, "end", number(tick));
    }
    for (const double tick : round_ticks(x_.low, x_.high, 6)) {
      if (tick < x_.low || tick > x_.high) continue;
      svg += text(across(tick), kHeight - kBottom + 16, "middle", number(tick));
    }
    return svg + text((kLeft + kWidth - kRight) / 2, kHeight - 8, "middle", x_title);
  }

  std::string line(const std::vector<Point>& points, const std::string& colour, bool faint) const {
    std::string path, marks;
    bool pen_down = false;
    for (const Point& point : points) {
      if (!std::isfinite(point.y)) {
        pen_down = false;
        continue;
      }
      const std::string x = coordinate(across(point.x));
      const std::string y = coordinate(down(std::clamp(point.y, y_.low, y_.high)));
      path += (pen_down ? "L" : "M") + x + " " + y;
      pen_down = true;
      if (points.size() <= kFewPoints && !faint) {
        marks += "<circle cx=\"" + x + "\" cy=\"" + y + "\" r=\"2.5\" fill=\"" + colour + "\"/>";
      }
    }
    return "<path d=\"" + path + "\" fill=\"none\" stroke=\"" + colour + "\" stroke-width=\"" +
           (faint ? "1\" stroke-opacity=\".3" : "1.6") + "\"/>" + marks;
  }

  static std::string text(double x, double y, const char* anchor, const std::string& words) {
    return "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" text-anchor=\"" + anchor +
           "\">" + escape_html(words) + "</text>";
  }

 private:
  Range x_, y_;
};

std::string legend(const std::vector<ChartLine>& lines) {
  std::string svg;
  double x = kLeft;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].name.empty()) continue;
    svg += "<rect x=\"" + coordinate(x) + "\" y=\"22\" width=\"12\" height=\"3\" fill=\"" +
           kColours[i % std::size(kColours)] + "\"/>" +
           Plot::text(x + 16, 27, "start", lines[i].name);
    x += 30 + 6.5 * static_cast<double>(lines[i].name.size());
  }
  return svg;
}

}  // namespace

std::vector<double> round_ticks(double low, double high, int count) {
  const double rough = (high - low) / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= rough * (1 - 1e-9)) step = factor * power;
  }
  std::vector<double> ticks;
  const double first = std::floor(low / step + 1e-9);
  for (double i = first; ticks.empty() || ticks.back() < high - 1e-9 * step; ++i) {
    ticks.push_back(i * step);
  }
  return ticks;
}

std::string svg_chart(const Chart& chart) {
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 " +
                    number(kWidth) + " " + number(kHeight) + "\"><title>" +
                    escape_html(chart.title) + "</title>" + "<text class=\"title\" x=\"" +
                    coordinate(kLeft) + "\" y=\"14\">" + escape_html(chart.title) + "</text>";
  std::vector<std::vector<Point>> points;
  for (const ChartLine& line : chart.lines) points.push_back(thinned(line));
  Range y = range_of(points, &Point::y);
  if (!(y.low <= y.high)) {
    return svg + Plot::text(kWidth / 2, kHeight / 2, "middle", "no values yet") + "</svg>";
  }
  y = widened({chart.y_low.value_or(y.low), chart.y_high.value_or(y.high)});
  const Plot plot(widened(range_of(points, &Point::x)), y);
  svg += plot.axes(chart.x_title) + legend(chart.lines);
  for (const bool faint : {true, false}) {  // faint ones behind
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (chart.lines[i].faint == faint) {
        svg += plot.line(points[i], kColours[i % std::size(kColours)], faint);
      }
    }
  }
  return svg + "</svg>";
}

}  // namespace cdfss
