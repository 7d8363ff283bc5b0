// What the paper's Tables 1-6 print, as data: the rows that our measurements are shown beside.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace cdfss {

inline constexpr int kPaperFolds = 4;

// mIoU in percent, as printed. `folds` is empty where the paper gives only the mean.
struct PublishedRow {
  std::string backbone;
  std::string method;  // with where it appeared
  std::array<std::optional<double>, kPaperFolds> folds;
  double mean = 0;
};

// Rows that share a transfer and a number of shots.
struct PublishedSection {
  std::string title;
  std::string transfer;  // as transfer_named takes it
  int shots = 1;
  std::vector<PublishedRow> rows;
};

// Tables 1-3: methods by fold.
struct PaperTable {
  std::string protocol;  // "paper-table1"
  std::string caption;
  std::vector<PublishedSection> sections;
};

// Tables 4-6: variants of the method by their mean over the folds of COCO-20i to PASCAL-5i, 1 shot.
struct PaperVariant {
  std::string key;  // what --row-model calls the row
  std::string label;
  double mean = 0;  // mIoU in percent
};
struct PaperAblation {
  std::string protocol;  // "paper-table4"
  std::string caption;
  std::string transfer;
  int shots = 1;
  std::vector<PaperVariant> variants;
};

const std::vector<PaperTable>& paper_tables();        // 1, 2, 3
const std::vector<PaperAblation>& paper_ablations();  // 4, 5, 6

// Null if `protocol` names none of them.
const PaperTable* find_paper_table(const std::string& protocol);
const PaperAblation* find_paper_ablation(const std::string& protocol);

}  // namespace cdfss
