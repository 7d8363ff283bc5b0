#include "data/dataset.h"

#include <gtest/gtest.h>

#include "data/dataset_kinds.h"
#include "data_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::FakeDataset;
using testing::mask_of;
using testing::same;
using testing::write_image;
using testing::write_photo;
using testing::write_text;

TEST(DatasetSpec, IsTakenApart) {
  const DatasetSpec spec = parse_dataset_spec("pascal:a:b/VOC2012,fold=2,list=x=y.txt");
  EXPECT_EQ(spec.kind, "pascal");
  EXPECT_EQ(spec.root, "a:b/VOC2012");
  EXPECT_EQ(spec.options, (std::map<std::string, std::string>{{"fold", "2"}, {"list", "x=y.txt"}}));
}

TEST(DatasetSpec, WrongOnesAreQuoted) {
  const auto refused = [](const std::string& text, const char* what) {
    expect_error(ErrorCode::kInvalidValue, {text, what},
                 [&] { open_dataset(text, FoldPart::kTrain); });
  };
  refused("data/aerial", "KIND one of folder, pascal, coco, fss, suim, davis");
  refused("folder:", "missing");
  refused("folder:x,minimum_area", "key=value");
  refused("folder:x,=3", "key=value");
  refused("folder:x,minimum_area=1,minimum_area=2", "twice");
  refused("folder:x,fold=1", "unknown key 'fold'");
  refused("voc:x", "unknown kind 'voc', expected one of folder, pascal, coco, fss, suim, davis");
  refused("pascal:x,fold=4", "0 to 3");
  refused("pascal:x,fold=one", "0 to 3");
  refused("coco:x,fold=-1", "0 to 3");
  refused("fss:x,fold=4", "0 to 3");
  refused("fss:x,subset=20", "0 to 19");
  refused("fss:x,part=TEST", "unknown key 'part'");
  refused("suim:x,repair=2", "0 to 1");
  refused("suim:x,minimum_area=0", "1 to");
  refused("davis:x,fold=0", "unknown key 'fold'; davis has list, minimum_area, split");
}

// Two images: a has index 1 six times and 255 twice, b has index 1 once and 3 seven times.
class FolderDataset : public ::testing::Test {
 protected:
  FolderDataset() {
    write_text(root_ / "classes.txt", "background\nfish \r\n-\nreef\n");
    write_photo(root_ / "images/a.jpg", 4, 2);
    write_photo(root_ / "images/b.png", 4, 2);
    write_image(root_ / "masks/a.png", mask_of(4, {1, 1, 1, 1, 1, 1, 255, 255}));
    write_image(root_ / "masks/b.png", mask_of(4, {1, 3, 3, 3, 3, 3, 3, 3}));
    write_text(root_ / "images/.hidden", "");
  }
  std::shared_ptr<const Dataset> open(int minimum_area = 1) {
    return open_dataset(
        "folder:" + root_.string() + ",minimum_area=" + std::to_string(minimum_area),
        FoldPart::kTrain);
  }
  void refused(std::initializer_list<std::string_view> parts,
               ErrorCode code = ErrorCode::kInvalidValue) {
    expect_error(code, parts, [&] { open(); });
  }
  testing::TemporaryFolder folder_;
  std::filesystem::path root_ = folder_ / "set";
};

TEST_F(FolderDataset, ClassesAreTheNamedIndices) {
  const auto dataset = open();
  EXPECT_EQ(dataset->classes(), (std::vector<std::string>{"fish", "reef"}));
  ASSERT_EQ(dataset->size(), 2);
  EXPECT_EQ(dataset->name(0), (root_ / "images/a.jpg").string());
  EXPECT_EQ(dataset->classes_in(0), std::vector<int>{0});
  EXPECT_EQ(dataset->classes_in(1), (std::vector<int>{0, 1}));
  EXPECT_EQ(dataset->image(1).size(), cv::Size(4, 2));
}

TEST_F(FolderDataset, LabelIsOneClassAndKeepsIgnored) {
  const auto dataset = open();
  EXPECT_TRUE(same(dataset->label(0, 0), mask_of(4, {1, 1, 1, 1, 1, 1, 255, 255})));
  EXPECT_TRUE(same(dataset->label(0, 1), mask_of(4, {0, 0, 0, 0, 0, 0, 255, 255})));
  EXPECT_TRUE(same(dataset->label(1, 1), mask_of(4, {0, 1, 1, 1, 1, 1, 1, 1})));
}

TEST_F(FolderDataset, SmallAreasDoNotCount) {
  EXPECT_EQ(open(6)->classes_in(0), std::vector<int>{0});
  EXPECT_EQ(open(7)->classes_in(0), std::vector<int>{});
  EXPECT_EQ(open(7)->classes_in(1), std::vector<int>{1});
  const auto dataset = open_dataset("folder:" + root_.string(), FoldPart::kTrain);
  EXPECT_TRUE(dataset->classes_in(1).empty());  // kMinimumArea
}

TEST_F(FolderDataset, MissingPartsAreNamed) {
  std::filesystem::remove(root_ / "masks/b.png");
  refused({"b.png has no mask"});
  write_image(root_ / "masks/b.png", mask_of(4, {1, 3, 3, 3, 3, 3, 3, 3}));
  write_image(root_ / "masks/c.png", mask_of(1, {1}));
  refused({"c.png has no image"});
  std::filesystem::remove(root_ / "masks/c.png");
  write_photo(root_ / "images/a.bmp", 4, 2);
  refused({"a.jpg", "stem of another"});
  std::filesystem::remove(root_ / "classes.txt");
  refused({"classes.txt"}, ErrorCode::kNotFound);
  std::filesystem::remove_all(root_);
  refused({root_.string()}, ErrorCode::kNotFound);
}

TEST_F(FolderDataset, UnnamedIndicesAreRefused) {
  write_image(root_ / "masks/a.png", mask_of(4, {1, 1, 1, 1, 1, 1, 4, 4}));
  refused({"a.png", "2 pixels of index 4", "0 to 3"});
  write_image(root_ / "masks/a.png", mask_of(4, {1, 1, 1, 1, 1, 1, 1, 2}));
  refused({"a.png", "index 2"});  // marked unused
}

TEST_F(FolderDataset, MaskOfAnotherSizeIsRefused) {
  write_image(root_ / "masks/b.png", mask_of(2, {1, 3, 3, 3}));
  refused({"b.png is 2x2 pixels, expected 4x2", "images/b.png"});
}

TEST_F(FolderDataset, DamagedMaskIsRefused) {
  write_text(root_ / "masks/a.png", "no image");
  refused({"a.png"}, ErrorCode::kUnreadable);
}

TEST_F(FolderDataset, ClassNamesAreChecked) {
  const auto names = [&](const char* text, std::initializer_list<std::string_view> parts) {
    write_text(root_ / "classes.txt", text);
    refused(parts);
  };
  names("bg\nfish\nfish\n", {"line 3", "'fish' a second time"});
  names("bg\n\nfish\n", {"line 2", "empty line"});
  names("bg\n-\n", {"no class"});
  names("", {"no class"});
  std::string many;
  for (int i = 0; i < 256; ++i) many += std::string("c") + std::to_string(i) + "\n";
  names(many.c_str(), {"more than 255"});
}

TEST_F(FolderDataset, NoImagesIsAnError) {
  std::filesystem::remove_all(root_ / "images");
  std::filesystem::remove_all(root_ / "masks");
  std::filesystem::create_directories(root_ / "images");
  std::filesystem::create_directories(root_ / "masks");
  refused({"images is empty"});
}

TEST(FolderDatasetOnRealData, AerialSetIsRead) {
  const auto root = testing::shared_data("aerial");
  if (!std::filesystem::is_directory(root)) {
    GTEST_SKIP() << "no aerial data set in CDFSS_SHARED_DIR";
  }
  const auto dataset = open_dataset("folder:" + root.string(), FoldPart::kTrain);
  EXPECT_EQ(dataset->size(), 72);
  EXPECT_EQ(dataset->classes(),
            (std::vector<std::string>{"water", "land", "road", "building", "vegetation"}));
  EXPECT_EQ(dataset->image(0).size(), dataset->label(0, 0).size());
}

std::shared_ptr<const Dataset> merged() {
  const auto a = std::make_shared<FakeDataset>(std::vector<std::string>{"dog", "cat"},
                                               std::vector<std::vector<int>>{{0, 1}, {1}}, "a");
  const auto b = std::make_shared<FakeDataset>(std::vector<std::string>{"owl", "dog"},
                                               std::vector<std::vector<int>>{{0, 1}}, "b");
  return merge_datasets({a, b});
}

TEST(MergeDatasets, UnitesClassesByName) {
  const auto dataset = merged();
  EXPECT_EQ(dataset->classes(), (std::vector<std::string>{"dog", "cat", "owl"}));
  ASSERT_EQ(dataset->size(), 3);
  EXPECT_EQ(dataset->name(1), "a1");
  EXPECT_EQ(dataset->name(2), "b0");
  EXPECT_EQ(dataset->classes_in(0), (std::vector<int>{0, 1}));
  EXPECT_EQ(dataset->classes_in(2), (std::vector<int>{0, 2}));
  // "dog" is class 1 of the second part.
  EXPECT_TRUE(same(dataset->label(2, 0), mask_of(4, {0, 1, 0, 0, 0, 0, 0, 255})));
  EXPECT_TRUE(same(dataset->label(2, 2), mask_of(4, {1, 0, 0, 0, 0, 0, 0, 255})));
  EXPECT_TRUE(same(dataset->label(2, 1), mask_of(4, {0, 0, 0, 0, 0, 0, 0, 255})));  // no cat there
}

TEST(MergeDatasets, OneIsItselfAndNoneIsAnError) {
  const auto one = merged();
  EXPECT_EQ(merge_datasets({one}), one);
  expect_error(ErrorCode::kInvalidValue, {"no dataset"}, [] { merge_datasets({}); });
}

TEST(SelectClasses, SplitsByNameAndRenumbers) {
  // By name: cat, dog, owl.
  const auto held_out = select_classes(merged(), 2, 0, false);
  const auto rest = select_classes(merged(), 2, 0, true);
  EXPECT_EQ(held_out->classes(), (std::vector<std::string>{"cat", "owl"}));
  EXPECT_EQ(rest->classes(), std::vector<std::string>{"dog"});
  EXPECT_EQ(held_out->size(), 3);
  EXPECT_EQ(held_out->classes_in(0), std::vector<int>{0});
  EXPECT_EQ(held_out->classes_in(2), std::vector<int>{1});
  EXPECT_EQ(rest->classes_in(1), std::vector<int>{});
  EXPECT_TRUE(same(rest->label(2, 0), merged()->label(2, 0)));
  EXPECT_TRUE(same(held_out->label(0, 0), merged()->label(0, 1)));
}

TEST(SelectClasses, RefusesEmptySides) {
  expect_error(ErrorCode::kInvalidValue, {"modulus"},
               [] { select_classes(merged(), 1, 0, false); });
  expect_error(ErrorCode::kInvalidValue, {"modulus"},
               [] { select_classes(merged(), 2, 2, false); });
  expect_error(ErrorCode::kInvalidValue, {"3 classes"},
               [] { select_classes(merged(), 9, 5, false); });
}

}  // namespace
}  // namespace cdfss
