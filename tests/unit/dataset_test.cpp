#include "data/dataset.h"

#include <gtest/gtest.h>

#include <cstdlib>

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
  refused("data/aerial", "KIND:ROOT");
  refused("folder:", "missing");
  refused("folder:x,minimum_area", "key=value");
  refused("folder:x,=3", "key=value");
  refused("folder:x,minimum_area=1,minimum_area=2", "twice");
  refused("folder:x,fold=1", "unknown key 'fold'");
  refused("voc:x", "folder, pascal or coco");
  refused("pascal:x,fold=4", "0 to 3");
  refused("pascal:x,fold=one", "0 to 3");
  refused("coco:x,fold=-1", "0 to 3");
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
  for (int i = 0; i < 256; ++i) many += "c" + std::to_string(i) + "\n";
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
  const char* shared = std::getenv("CDFSS_SHARED_DIR");
  const auto root = std::filesystem::path(shared == nullptr ? "" : shared) / "data" / "aerial";
  if (!std::filesystem::is_directory(root)) {
    GTEST_SKIP() << "no aerial data set in CDFSS_SHARED_DIR";
  }
  const auto dataset = open_dataset("folder:" + root.string(), FoldPart::kTrain);
  EXPECT_EQ(dataset->size(), 72);
  EXPECT_EQ(dataset->classes(),
            (std::vector<std::string>{"water", "land", "road", "building", "vegetation"}));
  EXPECT_EQ(dataset->image(0).size(), dataset->label(0, 0).size());
}

// Three images of the real layout; the second has a class of fold 0 and one of fold 3.
class PascalDataset : public ::testing::Test {
 protected:
  PascalDataset() {
    for (const char* id : {"2007_1", "2007_2", "2007_3"}) {
      write_photo(root_ / "JPEGImages" / (std::string(id) + ".jpg"), 64, 64);
    }
    mask("2007_1", 1, 20);
    mask("2007_2", 5, 16);
    mask("2007_3", 6, 6);
    list("train.txt", "2007_1\n2007_2\n");
    list("val.txt", "2007_3\r\n\n");
  }
  // The upper half (2048 pixels) of one index, the lower of another, with an ignored corner.
  void mask(const std::string& id, int upper, int lower,
            const std::string& folder = "SegmentationClass") {
    cv::Mat indices(64, 64, CV_8UC1, cv::Scalar(lower));
    indices.rowRange(0, 32).setTo(upper);
    indices.at<std::uint8_t>(63, 63) = 255;
    std::vector<png_color> colours(256, {1, 2, 3});
    std::filesystem::create_directories(root_ / folder);
    testing::write_palette_png(root_ / folder / (id + ".png"), indices, colours);
  }
  void list(const std::string& name, const std::string& text) {
    write_text(root_ / "ImageSets/Segmentation" / name, text);
  }
  std::shared_ptr<const Dataset> open(FoldPart part, const std::string& options = "") {
    return open_dataset("pascal:" + root_.string() + options, part);
  }
  testing::TemporaryFolder folder_;
  std::filesystem::path root_ = folder_ / "VOC2012";
};

TEST_F(PascalDataset, ListsFollowThePart) {
  EXPECT_EQ(open(FoldPart::kTrain)->size(), 2);
  const auto test = open(FoldPart::kTest);
  ASSERT_EQ(test->size(), 1);
  EXPECT_EQ(test->name(0), (root_ / "JPEGImages/2007_3.jpg").string());
  ASSERT_EQ(test->classes().size(), 20u);
  EXPECT_EQ(test->classes().front(), "aeroplane");
  EXPECT_EQ(test->classes()[14], "person");
  EXPECT_EQ(test->classes_in(0), std::vector<int>{5});
  write_text(folder_ / "mine.txt", "2007_2\n");
  EXPECT_EQ(open(FoldPart::kTest, ",list=" + (folder_ / "mine.txt").string())->size(), 1);
}

TEST_F(PascalDataset, FoldsAreFiveConsecutiveClasses) {
  const std::vector<std::string> fold1{"bus", "car", "cat", "chair", "cow"};
  EXPECT_EQ(open(FoldPart::kTest, ",fold=1")->classes(), fold1);
  const auto train = open(FoldPart::kTrain, ",fold=1");
  ASSERT_EQ(train->classes().size(), 15u);
  EXPECT_EQ(train->classes()[4], "bottle");
  EXPECT_EQ(train->classes()[5], "diningtable");
  // VOC 1 and 20 of the first image are classes 0 and 14 here; one pixel of 20's half is ignored.
  EXPECT_EQ(train->classes_in(0), std::vector<int>{0});
  EXPECT_EQ(train->classes_in(1), std::vector<int>{4});
  const cv::Mat label = train->label(1, 4);
  EXPECT_EQ(cv::countNonZero(label == 1), 2048);
  EXPECT_EQ(cv::countNonZero(label == 255), 1);
}

TEST_F(PascalDataset, MaskFolderCanBeNamed) {
  mask("2007_3", 12, 12, "SegmentationClassAug");
  const auto dataset = open(FoldPart::kTest, ",masks=SegmentationClassAug");
  EXPECT_EQ(dataset->classes_in(0), std::vector<int>{11});
}

TEST_F(PascalDataset, MissingFilesAreNamed) {
  expect_error(ErrorCode::kNotFound, {"SegmentationClassAug"},
               [&] { open(FoldPart::kTest, ",masks=SegmentationClassAug"); });
  list("val.txt", "2007_3\n2007_9\n");
  expect_error(ErrorCode::kNotFound, {"2007_9.jpg", "val.txt, line 2"},
               [&] { open(FoldPart::kTest); });
  list("val.txt", "2007_3 1\n");
  expect_error(ErrorCode::kInvalidValue, {"val.txt, line 1", "'1'"},
               [&] { open(FoldPart::kTest); });
  list("val.txt", "\n");
  expect_error(ErrorCode::kInvalidValue, {"val.txt is empty"}, [&] { open(FoldPart::kTest); });
  std::filesystem::remove(root_ / "ImageSets/Segmentation/val.txt");
  expect_error(ErrorCode::kNotFound, {"val.txt"}, [&] { open(FoldPart::kTest); });
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
