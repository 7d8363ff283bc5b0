// Measurements as a JSON file and as a table on the terminal.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
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

// Rows of a name and numbers in aligned columns; three decimals by default.
class Table {
 public:
  struct Column {
    std::string title;
    int decimals = 3;
  };
  Table(std::string row_title, std::vector<Column> columns);
  void add(const std::string& name, const std::vector<double>& values);
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;  // the first holds the titles
};

}  // namespace cdfss
