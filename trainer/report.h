// Measurements as a JSON file and as a table on the terminal.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace cdfss {

// Mean and sample standard deviation (n - 1; 0 for fewer than two values).
struct Spread {
  double mean = 0;
  double deviation = 0;
};
Spread spread_of(const std::vector<double>& values);

// Fails early, before hours of measuring: throws Error(kUnreadable) naming the file unless it can
// be written.
void check_writable(const std::filesystem::path& file);
// Throws Error(kUnreadable) naming the file.
void write_report(const std::filesystem::path& file, const nlohmann::json& report);

// How a table is written: aligned columns for a terminal, or Markdown with a rule under the titles.
enum class TableStyle { kText, kMarkdown };

// A title on a line of its own and an empty line; in Markdown of that level, 1 or more.
std::string heading(const std::string& text, int level, TableStyle style);

// Sentences as a list under "Notes:"; nothing for none.
std::string notes_text(const std::vector<std::string>& notes, TableStyle style);

// Rows in columns, the first of names. Numbers are aligned right, three decimals by default.
class Table {
 public:
  struct Column {
    std::string title;
    int decimals = 3;
    bool left = false;  // words rather than numbers
  };
  Table(std::string row_title, std::vector<Column> columns);
  // One value a column; "-" where there is none.
  void add(const std::string& name, const std::vector<std::optional<double>>& values);
  // Cells as they are, the name first. Throws Error(kInvalidValue) unless one a column is given.
  void add_text(std::vector<std::string> cells);
  std::string text(TableStyle style = TableStyle::kText) const;

 private:
  std::string line(const std::vector<std::string>& row, TableStyle style) const;
  std::size_t width(std::size_t column) const;

  std::vector<Column> columns_;                 // that of the names included
  std::vector<std::vector<std::string>> rows_;  // the first holds the titles
};

}  // namespace cdfss
