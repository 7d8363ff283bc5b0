#include "report.h"

#include <gtest/gtest.h>

#include "io_test_support.h"
#include "progress_bar.h"

namespace cdfss {
namespace {

TEST(Spread, IsMeanAndSampleDeviation) {
  const Spread spread = spread_of({1, 2, 3, 4});
  EXPECT_DOUBLE_EQ(spread.mean, 2.5);
  EXPECT_NEAR(spread.deviation, 1.2909944487358056, 1e-12);  // sqrt(5 / 3)
  EXPECT_EQ(spread_of({7}).mean, 7);
  EXPECT_EQ(spread_of({7}).deviation, 0);
  EXPECT_EQ(spread_of({}).mean, 0);
}

TEST(Table, AlignsNamesLeftAndNumbersRight) {
  Table table("class", {{"IoU"}, {"frames", 0}});
  table.add("a long name", {0.5, 12});
  table.add("b", {0.12345, 7});
  EXPECT_EQ(table.text(),
            "class          IoU  frames\n"
            "a long name  0.500      12\n"
            "b            0.123       7\n");
}

TEST(Table, ColumnsAreAsWideAsTheirCharactersNotTheirBytes) {
  Table table("row", {{"mIoU", 1}});
  table.add_text({"café", "1 ± 2"});
  EXPECT_EQ(table.text(TableStyle::kMarkdown),
            "| row  |  mIoU |\n"
            "| ---- | -----:|\n"
            "| café | 1 ± 2 |\n");
}

TEST(Table, MarkdownHasARuleThatAlignsItsColumns) {
  Table table("class", {{"IoU", 1}, {.title = "why", .left = true}});
  table.add_text({"bird", "6.5", "in"});
  table.add_text({"cow", "-", "seen in training"});
  EXPECT_EQ(table.text(TableStyle::kMarkdown),
            "| class | IoU | why              |\n"
            "| ----- | ---:| ---------------- |\n"
            "| bird  | 6.5 | in               |\n"
            "| cow   |   - | seen in training |\n");
  EXPECT_EQ(table.text(),
            "class  IoU  why\n"
            "bird   6.5  in\n"
            "cow      -  seen in training\n");
}

TEST(Table, ShowsADashForAMissingValueAndRefusesARowOfAnotherLength) {
  Table table("row", {{"a", 1}, {"b", 1}});
  table.add("x", {std::nullopt, 2.25});
  EXPECT_EQ(table.text(), "row  a    b\nx    -  2.2\n");
  testing::expect_error(ErrorCode::kInvalidValue, {"2 cells", "expected 3"},
                        [&] { table.add("y", {1.0}); });
}

TEST(ProgressLine, ShowsRateAndTimeLeft) {
  EXPECT_EQ(progress_line(0, 10, "frames", 0), "0/10 frames [                        ]");
  EXPECT_EQ(progress_line(25, 100, "frames", 50),
            "25/100 frames [######                  ] 0.50/s, 2:30 left");
  EXPECT_EQ(progress_line(100, 4000, "steps", 10),
            "100/4000 steps [                        ] 10/s, 6:30 left");
  EXPECT_EQ(progress_line(1, 7201, "steps", 1),
            "1/7201 steps [                        ] 1.00/s, 2:00:00 left");
}

TEST(WriteReport, WritesJsonAndRefusesWhatCannotBeWritten) {
  testing::TemporaryFolder folder;
  check_writable(folder / "out.json");
  write_report(folder / "out.json", {{"miou", 0.5}});
  EXPECT_EQ(nlohmann::json::parse(testing::read_bytes(folder / "out.json"))["miou"], 0.5);
  // A class as a Latin-1 folder name has it.
  write_report(folder / "out.json", {{"class", "\xe4l"}});
  EXPECT_EQ(nlohmann::json::parse(testing::read_bytes(folder / "out.json"))["class"], "\uFFFDl");
  testing::expect_error(ErrorCode::kUnreadable, {"nowhere/out.json", "no folder"},
                        [&] { check_writable(folder / "nowhere/out.json"); });
  testing::expect_error(ErrorCode::kUnreadable, {"is a folder"},
                        [&] { check_writable(folder / ""); });
}

}  // namespace
}  // namespace cdfss
