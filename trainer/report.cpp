#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "cdfss/error.h"
#include "data/file_bytes.h"

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
  const std::string text = report.dump(2) + "\n";
  write_bytes(file, std::vector<std::uint8_t>(text.begin(), text.end()));
}

Table::Table(std::string row_title, std::vector<Column> columns) : columns_(std::move(columns)) {
  rows_.push_back({std::move(row_title)});
  for (const Column& column : columns_) rows_.front().push_back(column.title);
}

void Table::add(const std::string& name, const std::vector<double>& values) {
  std::vector<std::string>& row = rows_.emplace_back();
  row.push_back(name);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", columns_[i].decimals, values.at(i));
    row.emplace_back(text);
  }
}

std::string Table::text() const {
  std::string lines;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column) {
      std::size_t width = 0;
      for (const auto& other : rows_) width = std::max(width, other[column].size());
      const std::string padding(width - row[column].size(), ' ');
      line += column == 0 ? row[column] + padding : "  " + padding + row[column];
    }
    lines += line + "\n";
  }
  return lines;
}

}  // namespace cdfss
