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

// Three classes of two images; "bus/2" has three object pixels, the others two.
class FssDataset : public ::testing::Test {
 protected:
  FssDataset() {
    for (const char* name : {"owl", "ab_wheel", "bus"}) {
      write_photo(root_ / name / "1.jpg", 3, 2);
      write_photo(root_ / name / "2.jpg", 3, 2);
      write_image(root_ / name / "1.png", mask_of(3, {255, 128, 127, 0, 0, 0}));
      // The release's masks are in colour, of greys.
      cv::Mat grey = mask_of(3, {0, 0, 255, 255, 0, 0});
      if (std::string(name) == "bus") grey.at<std::uint8_t>(1, 1) = 255;
      cv::Mat colour;
      cv::merge(std::vector<cv::Mat>{grey, grey, grey}, colour);
      write_image(root_ / name / "2.png", colour);
    }
    write_text(root_ / "test.txt", "owl\nbus\r\n");
  }
  std::shared_ptr<const Dataset> open(const std::string& options = "",
                                      FoldPart part = FoldPart::kTest) {
    return open_dataset("fss:" + root_.string() + options, part);
  }
  void refused(std::initializer_list<std::string_view> parts, const std::string& options = "",
               ErrorCode code = ErrorCode::kInvalidValue) {
    expect_error(code, parts, [&] { open(options); });
  }
  testing::TemporaryFolder folder_;
  std::filesystem::path root_ = folder_ / "fewshot_data";
};

TEST_F(FssDataset, FoldersAreClassesAndEveryImageCounts) {
  const auto dataset = open();
  EXPECT_EQ(dataset->classes(), (Names{"ab_wheel", "bus", "owl"}));
  ASSERT_EQ(dataset->size(), 6);
  EXPECT_EQ(dataset->name(2), (root_ / "bus/1.jpg").string());
  for (int index = 0; index < 6; ++index) {
    EXPECT_EQ(dataset->classes_in(index), Ids{index / 2}) << index;
  }
  EXPECT_EQ(dataset->image(0).size(), cv::Size(3, 2));
  EXPECT_TRUE(same(dataset->label(2, 1), mask_of(3, {1, 1, 0, 0, 0, 0})));
  EXPECT_TRUE(same(dataset->label(3, 1), mask_of(3, {0, 0, 1, 1, 1, 0})));
  EXPECT_EQ(cv::countNonZero(dataset->label(3, 0)), 0);
  const auto large = open(",minimum_area=3");
  EXPECT_EQ(large->classes_in(2), Ids{});
  EXPECT_EQ(large->classes_in(3), Ids{1});
}

TEST_F(FssDataset, ListsSelectClasses) {
  const auto test = open(",split=test");
  EXPECT_EQ(test->classes(), (Names{"bus", "owl"}));
  EXPECT_EQ(test->size(), 4);
  EXPECT_EQ(test->classes_in(2), Ids{1});
  write_text(folder_ / "mine.txt", "ab_wheel\n");
  EXPECT_EQ(open(",list=" + (folder_ / "mine.txt").string())->classes(), Names{"ab_wheel"});
}

TEST_F(FssDataset, WrongSelectionsAreNamed) {
  refused({"train.txt"}, ",split=train", ErrorCode::kNotFound);
  refused({"split is 'trn'", "train, val or test"}, ",split=trn");
  refused({"only one of fold, list, split and subset"}, ",split=test,subset=0");
  refused({"only one of fold, list, split and subset"}, ",fold=0,list=x");
  refused({"has 3 classes", "1000"}, ",subset=0");
  refused({"has 3 classes", "1000"}, ",fold=0");
  write_text(root_ / "test.txt", "owl\nbus\nowl\n");
  refused({"test.txt, line 3", "'owl' a second time", "line 1"}, ",split=test");
  write_text(root_ / "test.txt", "\ncow\n");
  refused({"fewshot_data/cow does not exist", "test.txt, line 2"}, ",split=test",
          ErrorCode::kNotFound);
  write_text(root_ / "test.txt", "");
  refused({"test.txt is empty", "class names"}, ",split=test");
}

TEST_F(FssDataset, DamagedClassesAreNamed) {
  write_image(root_ / "bus/1.png", cv::Mat(2, 3, CV_8UC1, cv::Scalar(127)));
  refused({"bus/1.png labels nothing"});
  write_image(root_ / "bus/1.png", mask_of(2, {255, 0}));
  refused({"bus/1.png is 2x1 pixels, expected 3x2"});
  write_text(root_ / "bus/1.png", "no image");
  refused({"bus/1.png"}, "", ErrorCode::kUnreadable);
  std::filesystem::remove(root_ / "bus/1.png");
  refused({"bus/1.jpg has no mask"});
  std::filesystem::remove(root_ / "bus/1.jpg");
  std::filesystem::remove(root_ / "bus/2.jpg");
  refused({"bus/2.png has no image"});
  std::filesystem::remove(root_ / "bus/2.png");
  refused({"bus is empty"});
  std::filesystem::remove_all(root_);
  refused({root_.string()}, "", ErrorCode::kNotFound);
  std::filesystem::create_directories(root_);
  refused({"has no folders"});
}

// What the release is known to hold: a photo in place of a mask, a mask of another size, an image
// that belongs to no mask.
TEST_F(FssDataset, FlawsOfTheReleaseAreRepairedOnRequest) {
  write_photo(root_ / "bus/1.png", 5, 5);
  refused({"bus/1.png", "coloured"});
  EXPECT_EQ(open(",repair=1")->classes_in(2), Ids{});
  EXPECT_TRUE(same(open(",repair=1")->label(2, 1), cv::Mat(2, 3, CV_8UC1, cv::Scalar(255))));
  write_image(root_ / "bus/1.png", mask_of(6, {255, 255, 255, 255, 0, 0}));
  EXPECT_TRUE(same(open(",repair=1")->label(2, 1), mask_of(3, {1, 1, 0, 1, 1, 0})));
  write_image(root_ / "bus/1.png", mask_of(3, {255, 0, 0, 0, 0, 0}));
  write_photo(root_ / "bus/3.jpeg", 3, 2);
  refused({"bus/3.jpeg is neither", "repair=1"});
  EXPECT_EQ(open(",repair=1")->size(), 6);
  std::filesystem::remove(root_ / "bus/1.png");
  refused({"bus/1.jpg has no mask"}, ",repair=1");
}

// All 1000 classes, named so that sorted they count up; the files are links to one image and mask.
TEST(FssSubsets, AreFiftySortedClassesEach) {
  const testing::TemporaryFolder folder;
  write_photo(folder / "image.jpg", 2, 1);
  write_image(folder / "mask.png", mask_of(2, {255, 0}));
  const auto root = folder / "fss";
  const auto class_name = [](int id) { return std::string("c") + std::to_string(1000 + id); };
  for (int id = 999; id >= 0; --id) {
    std::filesystem::create_directories(root / class_name(id));
    std::filesystem::create_hard_link(folder / "image.jpg", root / class_name(id) / "1.jpg");
    std::filesystem::create_hard_link(folder / "mask.png", root / class_name(id) / "1.png");
  }
  const auto classes = [&](const std::string& options, FoldPart part = FoldPart::kTest) {
    return open_dataset("fss:" + root.string() + options, part)->classes();
  };
  const Names subset = classes(",subset=7");
  ASSERT_EQ(subset.size(), 50u);
  EXPECT_EQ(subset.front(), "c1350");
  EXPECT_EQ(subset.back(), "c1399");
  EXPECT_EQ(classes(",subset=19", FoldPart::kTrain).back(), "c1999");
  const Names fold = classes(",fold=2");
  ASSERT_EQ(fold.size(), 250u);
  EXPECT_EQ(fold.front(), "c1500");
  EXPECT_EQ(fold.back(), "c1749");
  const Names rest = classes(",fold=2", FoldPart::kTrain);
  ASSERT_EQ(rest.size(), 750u);
  EXPECT_EQ(rest[499], "c1499");
  EXPECT_EQ(rest[500], "c1750");
}

}  // namespace
}  // namespace cdfss
