#include "paper_tables.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "data/transfer.h"

namespace cdfss {
namespace {

TEST(PaperTables, HaveEveryRowOfThePaper) {
  ASSERT_EQ(paper_tables().size(), 3U);
  const PaperTable* first = find_paper_table("paper-table1");
  ASSERT_NE(first, nullptr);
  ASSERT_EQ(first->sections.size(), 2U);
  EXPECT_EQ(first->sections[0].shots, 1);
  EXPECT_EQ(first->sections[1].shots, 5);
  for (const PublishedSection& section : first->sections) EXPECT_EQ(section.rows.size(), 10U);
  EXPECT_EQ(find_paper_table("paper-table2")->sections.at(0).rows.size(), 4U);
  const PaperTable* third = find_paper_table("paper-table3");
  ASSERT_EQ(third->sections.size(), 2U);
  EXPECT_EQ(third->sections[0].rows.size(), 4U);
  EXPECT_EQ(third->sections[1].rows.size(), 4U);
  EXPECT_EQ(find_paper_table("paper-table4"), nullptr);
}

// Guards against slips of the pen: the paper rounds some means down, HSNet's in Table 2 by .1.
TEST(PaperTables, MeansAreThoseOfTheFolds) {
  for (const PaperTable& table : paper_tables()) {
    for (const PublishedSection& section : table.sections) {
      for (const PublishedRow& row : section.rows) {
        if (!row.folds[0]) {
          EXPECT_EQ(row.method, "PFENet (TPAMI)");
          continue;
        }
        double sum = 0;
        for (const auto& fold : row.folds) sum += fold.value();
        EXPECT_NEAR(sum / kPaperFolds, row.mean, 0.101)
            << table.protocol << ", " << section.title << ", " << row.method;
      }
    }
  }
}

TEST(PaperTables, AblationsAreThoseOfThePaper) {
  ASSERT_EQ(paper_ablations().size(), 3U);
  EXPECT_EQ(find_paper_ablation("paper-table4")->variants.size(), 4U);
  EXPECT_EQ(find_paper_ablation("paper-table5")->variants.size(), 5U);
  EXPECT_EQ(find_paper_ablation("paper-table6")->variants.size(), 5U);
  EXPECT_EQ(find_paper_ablation("paper-table1"), nullptr);
  // The full method and the baseline are the same models in Tables 1, 4 and 5.
  const auto& rows = find_paper_table("paper-table1")->sections[0].rows;
  for (const char* table : {"paper-table4", "paper-table5"}) {
    const auto& variants = find_paper_ablation(table)->variants;
    EXPECT_EQ(variants.front().mean, rows[2].mean) << table;
    EXPECT_EQ(variants.back().mean, rows[6].mean) << table;
  }
  for (const PaperAblation& ablation : paper_ablations()) {
    std::set<std::string> keys;
    for (const PaperVariant& variant : ablation.variants) keys.insert(variant.key);
    EXPECT_EQ(keys.size(), ablation.variants.size()) << ablation.protocol;
  }
}

TEST(PaperTables, TransfersExist) {
  for (const PaperTable& table : paper_tables()) {
    for (const PublishedSection& section : table.sections) {
      EXPECT_EQ(transfer_named(section.transfer).folds, kPaperFolds) << section.transfer;
    }
  }
  for (const PaperAblation& ablation : paper_ablations()) {
    EXPECT_EQ(transfer_named(ablation.transfer).folds, kPaperFolds);
  }
}

}  // namespace
}  // namespace cdfss
