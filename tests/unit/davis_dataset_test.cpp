#include <gtest/gtest.h>

#include "data/dataset.h"
#include "data_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::mask_of;
using testing::same;
using testing::write_image;
using testing::write_photo;
using testing::write_text;

using Names = std::vector<std::string>;
using Ids = std::vector<int>;

// A sequence as DAVIS-2016 labels it (white; gone in the last frame) and one as DAVIS-2017 does
// (two objects, the second only in the second frame, and an ignored pixel).
class DavisDataset : public ::testing::Test {
 protected:
  DavisDataset() {
    frame("bear", 0, {0, 255, 255, 255});
    frame("bear", 1, {255, 255, 0, 0});
    frame("bear", 2, {0, 0, 0, 0});
    frame("dogs", 0, {1, 1, 0, 0});
    frame("dogs", 1, {1, 2, 2, 255});
  }
  void frame(const std::string& sequence, int number, const std::vector<std::uint8_t>& values) {
    const std::string stem = "0000" + std::to_string(number);
    write_photo(root_ / "JPEGImages/480p" / sequence / (stem + ".jpg"), 2, 2);
    const auto mask = root_ / "Annotations/480p" / sequence / (stem + ".png");
    testing::write_palette_png(mask, mask_of(2, values), std::vector<png_color>(256, {9, 9, 9}));
  }
  std::shared_ptr<const Dataset> open(const std::string& options = "") {
    return open_dataset("davis:" + root_.string() + ",minimum_area=1" + options, FoldPart::kTest);
  }
  testing::TemporaryFolder folder_;
  std::filesystem::path root_ = folder_ / "DAVIS";
};

TEST_F(DavisDataset, ObjectsOfSequencesAreClasses) {
  const auto dataset = open();
  EXPECT_EQ(dataset->classes(), (Names{"bear", "dogs/1", "dogs/2"}));
  ASSERT_EQ(dataset->size(), 5);
  EXPECT_EQ(dataset->name(3), (root_ / "JPEGImages/480p/dogs/00000.jpg").string());
  EXPECT_EQ(dataset->classes_in(0), Ids{0});
  EXPECT_EQ(dataset->classes_in(2), Ids{});
  EXPECT_EQ(dataset->classes_in(3), Ids{1});
  EXPECT_EQ(dataset->classes_in(4), (Ids{1, 2}));
  EXPECT_TRUE(same(dataset->label(0, 0), mask_of(2, {0, 1, 1, 1})));
  EXPECT_TRUE(same(dataset->label(4, 1), mask_of(2, {1, 0, 0, 255})));
  EXPECT_TRUE(same(dataset->label(4, 2), mask_of(2, {0, 1, 1, 255})));
  EXPECT_EQ(cv::countNonZero(dataset->label(0, 1)), 0);
  EXPECT_EQ(dataset->image(0).size(), cv::Size(2, 2));
}

TEST_F(DavisDataset, TheOnlyObjectHasTheNameOfItsSequence) {
  frame("dogs", 1, {1, 0, 0, 255});
  EXPECT_EQ(open()->classes(), (Names{"bear", "dogs"}));
  EXPECT_TRUE(same(open()->label(4, 1), mask_of(2, {1, 0, 0, 255})));
}

TEST_F(DavisDataset, ListsSelectSequences) {
  write_text(root_ / "ImageSets/2017/val.txt", "dogs\n");
  write_text(root_ / "ImageSets/480p/train.txt",
             "/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png\n"
             "/JPEGImages/480p/bear/00001.jpg /Annotations/480p/bear/00001.png\n");
  EXPECT_EQ(open(",split=2017/val")->classes(), (Names{"dogs/1", "dogs/2"}));
  EXPECT_EQ(open(",split=480p/train")->classes(), Names{"bear"});
  EXPECT_EQ(open(",split=480p/train")->size(), 3);
  EXPECT_EQ(open()->classes(), (Names{"dogs/1", "dogs/2", "bear"}));  // the lists by name
  write_text(folder_ / "mine.txt", "bear\n");
  EXPECT_EQ(open(",list=" + (folder_ / "mine.txt").string())->classes(), Names{"bear"});
}

TEST_F(DavisDataset, WrongTreesAreNamed) {
  const auto refused = [&](ErrorCode code, std::initializer_list<std::string_view> parts,
                           const std::string& options = "") {
    expect_error(code, parts, [&] { open(options); });
  };
  refused(ErrorCode::kNotFound, {"ImageSets/2016/val.txt"}, ",split=2016/val");
  refused(ErrorCode::kInvalidValue, {"only one of list and split"}, ",split=a,list=b");
  write_text(folder_ / "mine.txt", "bears\n");
  refused(ErrorCode::kNotFound, {"\"bears\""}, ",list=" + (folder_ / "mine.txt").string());
  write_text(folder_ / "mine.txt", "\n");
  refused(ErrorCode::kInvalidValue, {"mine.txt is empty"},
          ",list=" + (folder_ / "mine.txt").string());
  const auto masks = root_ / "Annotations/480p";
  write_image(masks / "dogs/00000.png", mask_of(4, {1, 1, 0, 0}));
  refused(ErrorCode::kInvalidValue, {"dogs/00000.png is 4x1 pixels, expected 2x2"});
  write_text(masks / "dogs/00000.png", "");
  refused(ErrorCode::kUnreadable, {"dogs/00000.png"});
  std::filesystem::remove(masks / "dogs/00000.png");
  refused(ErrorCode::kInvalidValue, {"dogs/00000.jpg has no mask"});
  frame("dogs", 0, {0, 0, 0, 0});
  frame("dogs", 1, {0, 0, 0, 0});
  refused(ErrorCode::kInvalidValue, {"'dogs'", "no object in any of its 2 masks"});
  // A stray value must not make white a pixel to ignore, nor objects be skipped.
  frame("dogs", 0, {1, 1, 0, 0});
  frame("bear", 1, {255, 77, 0, 0});
  refused(ErrorCode::kInvalidValue, {"bear/00001.png has the value 77", "has 1", "255"});
  frame("bear", 1, {255, 255, 0, 0});
  frame("dogs", 1, {1, 3, 3, 255});
  refused(ErrorCode::kInvalidValue, {"dogs/00001.png has the value 3", "has 2"});
  std::filesystem::remove_all(masks / "dogs");
  refused(ErrorCode::kNotFound, {"dogs", "Annotations"});
}

TEST(DavisDatasetOnRealData, SequencesAreRead) {
  const auto root = testing::shared_data("davis");
  if (!std::filesystem::is_directory(root)) {
    GTEST_SKIP() << "no davis data set in CDFSS_SHARED_DIR";
  }
  const testing::TemporaryFolder folder;
  write_text(folder / "two.txt", "libby\nblackswan\n");
  const auto dataset = open_dataset(
      "davis:" + root.string() + ",list=" + (folder / "two.txt").string(), FoldPart::kTest);
  EXPECT_EQ(dataset->classes(), (Names{"libby", "blackswan"}));
  EXPECT_EQ(dataset->size(), 49 + 50);
  EXPECT_EQ(dataset->classes_in(98), Ids{1});
  EXPECT_EQ(dataset->label(98, 1).size(), cv::Size(854, 480));
}

}  // namespace
}  // namespace cdfss
