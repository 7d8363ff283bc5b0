#include "run_report.h"

#include <cstdio>
#include <limits>
#include <map>
#include <utility>

#include "html_text.h"
#include "running_mean.h"
#include "svg_chart.h"

namespace cdfss {
namespace {

constexpr const char* kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1320px;margin:2em auto;padding:0 1em;"
    "color:#222}"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}"
    "table{border-collapse:collapse}td,th{padding:.15em 1em .15em 0;text-align:left;"
    "vertical-align:top}td{overflow-wrap:anywhere}"
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(480px,1fr));gap:1em}"
    "svg{width:100%;font:11px system-ui,sans-serif}svg .title{font-size:13px;font-weight:600}"
    "svg .grid{stroke:#ddd}"
    ".sample{display:flex;flex-wrap:wrap;gap:.6em;margin:1em 0}"
    "figure{margin:0}figcaption{font-size:12px;color:#555}";

std::string fixed_text(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string duration(double seconds) {
  const auto minutes = static_cast<long>(seconds / 60);
  char text[64];
  std::snprintf(text, sizeof text, "%ld:%02ld:%02.0f h", minutes / 60, minutes % 60,
                seconds - 60.0 * static_cast<double>(minutes));
  return text;
}

double value_of(const nlohmann::json& record, const std::string& key) {
  // JSON has no NaN: what was not finite is null there.
  const auto found = record.find(key);
  return found != record.end() && found->is_number() ? found->get<double>()
                                                     : std::numeric_limits<double>::quiet_NaN();
}

// Metrics by key, over the steps that have it.
class Curves {
 public:
  explicit Curves(const std::vector<nlohmann::json>& metrics) : metrics_(metrics) {}

  ChartLine line(const std::string& name, const std::string& key) const {
    ChartLine line{.name = name, .x = {}, .y = {}};
    for (const nlohmann::json& record : metrics_) {
      if (record.contains(key)) add(line, record, value_of(record, key));
    }
    return line;
  }

  // The slot cosine of each memory layer.
  std::vector<ChartLine> slot_cosines() const {
    std::map<std::string, ChartLine> layers;
    for (const nlohmann::json& record : metrics_) {
      if (!record.contains("slot_cosine")) continue;
      for (const auto& [layer, cosine] : record["slot_cosine"].items()) {
        ChartLine& line = layers[layer];
        line.name = "memory of layer " + layer;
        add(line, record, value_of(record["slot_cosine"], layer));
      }
    }
    std::vector<ChartLine> lines;
    for (auto& [layer, line] : layers) lines.push_back(std::move(line));
    return lines;
  }

  static ChartLine smoothed(ChartLine line, const std::string& name) {
    RunningMean mean;
    for (double& value : line.y) value = mean.add(value);
    line.name = name;
    return line;
  }

 private:
  static void add(ChartLine& line, const nlohmann::json& record, double value) {
    line.x.push_back(value_of(record, "step"));
    line.y.push_back(value);
  }

  const std::vector<nlohmann::json>& metrics_;
};

std::string charts(const Curves& curves) {
  ChartLine loss = curves.line("each step", "loss");
  const ChartLine smooth = Curves::smoothed(loss, "smoothed");
  loss.faint = true;
  ChartLine wait = curves.line("each step", "data_wait");
  const ChartLine smooth_wait = Curves::smoothed(wait, "smoothed");
  wait.faint = true;
  const std::vector<Chart> all{
      {.title = "Loss", .x_title = "step", .lines = {smooth, loss}},
      {.title = "Terms of the loss (smoothed)",
       .x_title = "step",
       .lines = {Curves::smoothed(curves.line("", "segmentation"), "segmentation"),
                 Curves::smoothed(curves.line("", "auxiliary"), "auxiliary"),
                 Curves::smoothed(curves.line("", "contrastive"), "contrastive"),
                 Curves::smoothed(curves.line("", "orthogonal"), "orthogonal")}},
      {.title = "Validation",
       .x_title = "step",
       .lines = {curves.line("mIoU", "validation_miou"),
                 curves.line("FB-IoU", "validation_fb_iou")},
       .y_low = 0},
      {.title = "Learning rate of the decoder",
       .x_title = "step",
       .lines = {curves.line("", "learning_rate")},
       .y_low = 0},
      {.title = "Slot cosine of each memory bank (1 = collapsed)",
       .x_title = "step",
       .lines = curves.slot_cosines(),
       .y_low = 0,
       .y_high = 1},
      {.title = "Share of a step spent waiting for data",
       .x_title = "step",
       .lines = {smooth_wait, wait},
       .y_low = 0,
       .y_high = 1}};
  std::string html = "<div class=\"charts\">";
  for (const Chart& chart : all) html += svg_chart(chart);
  return html + "</div>";
}

std::string row(const std::string& name, const std::string& value) {
  return "<tr><th>" + escape_html(name) + "</th><td>" + escape_html(value) + "</td></tr>";
}

// How far the run is, and how good.
std::string progress(const nlohmann::json& record, const std::vector<nlohmann::json>& metrics) {
  int step = 0, best_step = 0;
  double seconds = 0, best = -1, stepping = 0, waiting = 0;
  for (const nlohmann::json& line : metrics) {
    seconds = line.value("seconds", seconds);
    if (line.contains("validation_miou")) {
      const double miou = value_of(line, "validation_miou");
      if (miou > best) best = miou, best_step = line.value("step", 0);
      continue;
    }
    step = line.value("step", step);
    stepping += line.value("step_seconds", 0.0);
    waiting += line.value("step_seconds", 0.0) * line.value("data_wait", 0.0);
  }
  std::string html = "<table>" + row("Steps", std::to_string(step) + " of " +
                                                  std::to_string(record.value("steps", 0)));
  if (best >= 0) {
    html += row("Best validation mIoU",
                fixed_text(best, 4) + " after step " + std::to_string(best_step));
  }
  html += row("Time", duration(seconds));
  if (stepping > 0) {
    html +=
        row("Waiting for data", fixed_text(100 * waiting / stepping, 1) + " % of the steps' time");
  }
  return html + "</table>";
}

std::string text_of(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string details(const nlohmann::json& record) {
  std::string html = "<table>";
  for (const auto& [name, value] : record.items()) {
    if (name != "data" && name != "resumed") html += row(name, text_of(value));
  }
  const nlohmann::json data = record.value("data", nlohmann::json::object());
  for (const auto& [part, summary] : data.items()) {
    if (summary.is_null()) continue;
    std::string classes;
    const nlohmann::json names = summary.value("classes", nlohmann::json::array());
    for (const nlohmann::json& name : names) {
      classes += (classes.empty() ? "" : ", ") + text_of(name);
    }
    html += row(part, std::to_string(summary.value("images", 0)) + " images of " + classes);
  }
  const nlohmann::json resumptions = record.value("resumed", nlohmann::json::array());
  for (const nlohmann::json& resumed : resumptions) {
    html += row("resumed after step " + std::to_string(resumed.value("after_step", 0)),
                resumed.value("started", "") + ", " + resumed.value("git_revision", ""));
  }
  return html + "</table>";
}

std::string figure(const cv::Mat& image, const std::string& caption) {
  return "<figure><img alt=\"" + escape_html(caption) + "\" src=\"" + png_data_url(image) +
         "\"><figcaption>" + escape_html(caption) + "</figcaption></figure>";
}

std::string samples_section(const std::vector<SamplePrediction>& samples) {
  if (samples.empty()) return "<p>No validation data, so no samples.</p>";
  std::string html;
  for (const SamplePrediction& sample : samples) {
    html += "<div class=\"sample\">";
    for (const cv::Mat& support : sample.supports) html += figure(support, "support");
    html += figure(sample.query, "query") + figure(sample.truth, "ground truth") +
            figure(sample.prediction, "prediction, IoU " + fixed_text(sample.iou, 3)) +
            "</div><p>" + escape_html(sample.class_name + ": " + sample.query_name) + "</p>";
  }
  return html;
}

}  // namespace

std::string run_report(const nlohmann::json& record, const std::vector<nlohmann::json>& metrics,
                       const std::vector<SamplePrediction>& samples) {
  return std::string("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">") +
         "<title>Training run</title><style>" + kStyle + "</style></head><body>" +
         "<h1>Training run</h1>" + progress(record, metrics) + charts(Curves(metrics)) +
         "<h2>Samples of the validation data</h2>" + samples_section(samples) +
         "<h2>What it was made from</h2>" + details(record) + "</body></html>\n";
}

}  // namespace cdfss
