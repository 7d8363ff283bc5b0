// Scatter plots side by side with a legend, as pixels and as SVG of the same layout.
#pragma once

#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

namespace cdfss {

struct ScatterPanel {
  std::string title;
  std::string caption;      // one line below
  cv::Mat points;           // CV_32F [n, 2]
  std::vector<int> groups;  // of each point: an index into the legend; has a colour and a shape
};

struct ScatterFigure {
  std::vector<ScatterPanel> panels;
  std::vector<std::string> legend;

  cv::Size size() const;  // in pixels
};

// CV_8UC3 RGB.
cv::Mat draw_scatter(const ScatterFigure& figure);
std::string scatter_svg(const ScatterFigure& figure);

}  // namespace cdfss
