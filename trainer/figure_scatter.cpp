#include "figure_scatter.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace cdfss {
namespace {

constexpr int kPanel = 420;    // side of a plot in pixels
constexpr int kMargin = 30;    // around it, with title and caption
constexpr int kLegend = 180;   // width
constexpr int kLine = 20;      // of the legend
constexpr int kRadius = 4;     // of a point
constexpr int kInset = 16;     // between a plot's frame and its outermost points
constexpr int kTextSize = 13;  // pixels

using Colour = cv::Vec3b;  // RGB

// Hues a golden section apart: neighbours differ most, whatever their number.
Colour colour_of(int group) {
  constexpr double kGoldenSection = 0.61803398875;
  const double turns = group * kGoldenSection;
  const auto hue = static_cast<std::uint8_t>(180 * (turns - static_cast<int>(turns)));
  const auto value = static_cast<std::uint8_t>(group % 2 == 0 ? 220 : 160);
  cv::Mat rgb;
  cv::cvtColor(cv::Mat(1, 1, CV_8UC3, cv::Scalar(hue, 200, value)), rgb, cv::COLOR_HSV2RGB);
  return rgb.at<Colour>(0, 0);
}

// A group's mark around its point: empty for a disc, else the corners of a square or a diamond.
// Shapes change faster than similar hues come back.
std::vector<cv::Point> corners_of(int group, cv::Point at) {
  constexpr int kShapes = 3;
  constexpr int r = kRadius;
  if (group % kShapes == 0) return {};
  if (group % kShapes == 1) {
    return {{at.x - r, at.y - r}, {at.x + r, at.y - r}, {at.x + r, at.y + r}, {at.x - r, at.y + r}};
  }
  return {{at.x, at.y - r - 1}, {at.x + r + 1, at.y}, {at.x, at.y + r + 1}, {at.x - r - 1, at.y}};
}

// What a figure is made of; pixels and SVG are two ways to paint it.
struct Painter {
  std::function<void(cv::Point centre, int group)> point;
  std::function<void(const cv::Rect&)> frame;
  std::function<void(const std::string&, cv::Point baseline)> text;
};

// Points to pixels: one scale for both axes, so that distances compare, the y axis upwards.
std::vector<cv::Point> place(const cv::Mat& points, const cv::Rect& plot) {
  std::vector<cv::Point> placed;
  if (points.empty()) return placed;
  double low[2];
  double high[2];
  for (int axis = 0; axis < 2; ++axis) cv::minMaxLoc(points.col(axis), &low[axis], &high[axis]);
  const double extent = std::max({high[0] - low[0], high[1] - low[1], 1e-12});
  const double scale = (plot.width - 2 * kInset) / extent;
  const cv::Point2d centre = (plot.tl() + plot.br()) / 2;
  for (int i = 0; i < points.rows; ++i) {
    const double x = points.at<float>(i, 0) - (low[0] + high[0]) / 2;
    const double y = points.at<float>(i, 1) - (low[1] + high[1]) / 2;
    placed.emplace_back(cvRound(centre.x + x * scale), cvRound(centre.y - y * scale));
  }
  return placed;
}

void paint(const ScatterFigure& figure, const Painter& painter) {
  int left = kMargin;
  for (const ScatterPanel& panel : figure.panels) {
    const cv::Rect plot(left, kMargin, kPanel, kPanel);
    painter.frame(plot);
    painter.text(panel.title, {left, kMargin - 10});
    painter.text(panel.caption, {left, kMargin + kPanel + 20});
    const std::vector<cv::Point> points = place(panel.points, plot);
    for (std::size_t i = 0; i < points.size(); ++i) {
      painter.point(points[i], panel.groups[i]);
    }
    left += kPanel + kMargin;
  }
  for (std::size_t i = 0; i < figure.legend.size(); ++i) {
    const int y = kMargin + kLine * static_cast<int>(i) + kLine / 2;
    painter.point({left, y}, static_cast<int>(i));
    painter.text(figure.legend[i], {left + 12, y + 4});
  }
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

template <typename... Values>
std::string format(const char* pattern, Values... values) {
  char text[256];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

std::string mark_svg(cv::Point centre, int group) {
  std::string shape;
  for (const cv::Point corner : corners_of(group, centre)) {
    shape += format("%s%d,%d", shape.empty() ? "<polygon points=\"" : " ", corner.x, corner.y);
  }
  if (shape.empty()) {
    shape = format("<circle cx=\"%d\" cy=\"%d\" r=\"%d", centre.x, centre.y, kRadius);
  }
  const Colour c = colour_of(group);
  return shape + format("\" fill=\"#%02x%02x%02x\"/>\n", c[0], c[1], c[2]);
}

}  // namespace

cv::Size ScatterFigure::size() const {
  const int plots = static_cast<int>(panels.size());
  const int legend_height = kLine * static_cast<int>(legend.size());
  return {kMargin + plots * (kPanel + kMargin) + kLegend,
          2 * kMargin + std::max(kPanel, legend_height)};
}

cv::Mat draw_scatter(const ScatterFigure& figure) {
  cv::Mat canvas(figure.size(), CV_8UC3, cv::Scalar::all(255));
  paint(figure,
        {.point =
             [&](cv::Point centre, int group) {
               const Colour colour = colour_of(group);
               const cv::Scalar fill(colour[0], colour[1], colour[2]);
               const std::vector<cv::Point> corners = corners_of(group, centre);
               if (corners.empty()) {
                 cv::circle(canvas, centre, kRadius, fill, cv::FILLED, cv::LINE_AA);
               } else {
                 cv::fillConvexPoly(canvas, corners, fill, cv::LINE_AA);
               }
             },
         .frame = [&](const cv::Rect& plot) { cv::rectangle(canvas, plot, cv::Scalar::all(160)); },
         .text =
             [&](const std::string& text, cv::Point baseline) {
               cv::putText(canvas, text, baseline, cv::FONT_HERSHEY_SIMPLEX, 0.45,
                           cv::Scalar::all(30), 1, cv::LINE_AA);
             }});
  return canvas;
}

std::string scatter_svg(const ScatterFigure& figure) {
  const cv::Size size = figure.size();
  std::string svg = format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
      "font-family=\"sans-serif\" font-size=\"%d\">\n"
      "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
      size.width, size.height, kTextSize);
  paint(figure, {.point = [&](cv::Point centre, int group) { svg += mark_svg(centre, group); },
                 .frame =
                     [&](const cv::Rect& plot) {
                       svg += format(
                           "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" "
                           "stroke=\"#a0a0a0\"/>\n",
                           plot.x, plot.y, plot.width, plot.height);
                     },
                 .text =
                     [&](const std::string& text, cv::Point baseline) {
                       svg += format("<text x=\"%d\" y=\"%d\">", baseline.x, baseline.y) +
                              escaped(text) + "</text>\n";
                     }});
  return svg + "</svg>\n";
}

}  // namespace cdfss
