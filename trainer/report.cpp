#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "cdfss/error.h"
#include "data/file_bytes.h"
#include "text_file.h"

namespace cdfss {

Spread spread_of(const std::vector<double>& values) {
  if (values.empty()) return {};
  const auto count = static_cast<double>(values.size());
  Spread spread;
  for (const double value : values) spread.mean += value / count;
  if (values.size() < 2) return spread;
  double squares = 0;
  for (const double value : values) squares += (value - spread.mean) * (value - spread.mean);
  spread.deviation = std::sqrt(squares / (count - 1));
  return spread;
}

void check_writable(const std::filesystem::path& file) {
  const auto folder = std::filesystem::absolute(file).parent_path();
  if (!std::filesystem::is_directory(folder)) {
    throw Error(ErrorCode::kUnreadable,
                file.string() + " cannot be written: there is no folder " + folder.string());
  }
  if (std::filesystem::is_directory(file)) {
    throw Error(ErrorCode::kUnreadable, file.string() + " is a folder, expected a file to write");
  }
}

void write_report(const std::filesystem::path& file, const nlohmann::json& report) {
  const std::string text = json_text(report);
  write_bytes(file, std::vector<std::uint8_t>(text.begin(), text.end()));
}

namespace {

// Of UTF-8 text: bytes that continue a character do not count.
std::size_t characters(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char byte) { return (byte & 0xC0) != 0x80; }));
}

}  // namespace

std::string heading(const std::string& text, int level, TableStyle style) {
  const bool markdown = style == TableStyle::kMarkdown;
  const std::string mark = std::string(static_cast<std::size_t>(level), '#') + " ";
  return (markdown ? mark : "") + text + "\n\n";
}

std::string notes_text(const std::vector<std::string>& notes, TableStyle style) {
  if (notes.empty()) return {};
  std::string text = style == TableStyle::kMarkdown ? "Notes:\n\n" : "Notes:\n";
  for (const std::string& note : notes) {
    text += (style == TableStyle::kMarkdown ? "- " : "  - ") + note + "\n";
  }
  return text;
}

Table::Table(std::string row_title, std::vector<Column> columns) : columns_(std::move(columns)) {
  columns_.insert(columns_.begin(), Column{.title = std::move(row_title), .left = true});
  rows_.emplace_back();
  for (const Column& column : columns_) rows_.front().push_back(column.title);
}

void Table::add(const std::string& name, const std::vector<std::optional<double>>& values) {
  std::vector<std::string> cells{name};
  for (std::size_t i = 0; i < values.size(); ++i) {
    char text[32] = "-";
    const int decimals = columns_.at(i + 1).decimals;
    if (values[i]) std::snprintf(text, sizeof text, "%.*f", decimals, *values[i]);
    cells.emplace_back(text);
  }
  add_text(std::move(cells));
}

void Table::add_text(std::vector<std::string> cells) {
  if (cells.size() != columns_.size()) {
    throw Error(ErrorCode::kInvalidValue, "a table row of " + std::to_string(cells.size()) +
                                              " cells, expected " +
                                              std::to_string(columns_.size()));
  }
  rows_.push_back(std::move(cells));
}

std::size_t Table::width(std::size_t column) const {
  std::size_t width = 0;
  for (const auto& row : rows_) width = std::max(width, characters(row[column]));
  return width;
}

std::string Table::line(const std::vector<std::string>& row, TableStyle style) const {
  const bool markdown = style == TableStyle::kMarkdown;
  std::string line;
  for (std::size_t column = 0; column < row.size(); ++column) {
    const std::string padding(width(column) - characters(row[column]), ' ');
    if (markdown) {
      line += "| ";
    } else if (column > 0) {
      line += "  ";
    }
    line += columns_[column].left ? row[column] + padding : padding + row[column];
    if (markdown) line += ' ';
  }
  if (markdown) return line + "|\n";
  return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

std::string Table::text(TableStyle style) const {
  std::string lines = line(rows_.front(), style);
  if (style == TableStyle::kMarkdown) {
    for (std::size_t column = 0; column < columns_.size(); ++column) {
      const std::string dashes(width(column), '-');
      lines += columns_[column].left ? "| " + dashes + " " : "| " + dashes + ":";
    }
    lines += "|\n";
  }
  for (std::size_t row = 1; row < rows_.size(); ++row) lines += line(rows_[row], style);
  return lines;
}

}  // namespace cdfss
