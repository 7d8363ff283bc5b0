#include <gtest/gtest.h>

#include "data/dataset.h"
#include "data/image_file.h"
#include "data_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::mask_of;
using testing::same;
using testing::write_image;
using testing::write_photo;

using Ids = std::vector<int>;

// A picture of `width` columns from the words of its colours, as SUIM's authors name them.
cv::Mat colours(int width, const std::string& words) {
  const std::map<char, cv::Vec3b> bgr{
      {'k', {0, 0, 0}},   {'b', {255, 0, 0}},   {'g', {0, 255, 0}},   {'s', {255, 255, 0}},
      {'r', {0, 0, 255}}, {'p', {255, 0, 255}}, {'y', {0, 255, 255}}, {'w', {255, 255, 255}}};
  cv::Mat picture(static_cast<int>(words.size()) / width, width, CV_8UC3);
  for (int i = 0; i < static_cast<int>(words.size()); ++i) {
    picture.at<cv::Vec3b>(i / width, i % width) = bgr.at(words[i]);
  }
  return picture;
}

// As shipped: two images to train on and one to test on, with the binary masks beside its mask.
class SuimDataset : public ::testing::Test {
 protected:
  SuimDataset() {
    write_photo(root_ / "train_val/images/d_r_1_.jpg", 4, 2);
    write_image(root_ / "train_val/masks/d_r_1_.bmp", colours(4, "kbgsrpyw"));
    write_photo(root_ / "train_val/images/f_r_2_.jpg", 4, 2);
    write_image(root_ / "train_val/masks/f_r_2_.bmp", colours(4, "yyyyyykk"));
    write_photo(root_ / "TEST/images/n_l_3_.jpg", 4, 2);
    write_image(root_ / "TEST/masks/n_l_3_.bmp", colours(4, "bbbwwwww"));
    write_image(root_ / "TEST/masks/FV/n_l_3_.bmp", colours(4, "kkkkkkkk"));
  }
  std::shared_ptr<const Dataset> open(const std::string& options = ",minimum_area=1") {
    return open_dataset("suim:" + root_.string() + options, FoldPart::kTrain);
  }
  void refused(std::initializer_list<std::string_view> parts,
               ErrorCode code = ErrorCode::kInvalidValue) {
    expect_error(code, parts, [&] { open(); });
  }
  testing::TemporaryFolder folder_;
  std::filesystem::path root_ = folder_ / "SUIM";
};

TEST_F(SuimDataset, ColoursAreTheEightClasses) {
  const auto dataset = open();
  EXPECT_EQ(dataset->classes(),
            (std::vector<std::string>{"BW", "HD", "PF", "WR", "RO", "RI", "FV", "SR"}));
  ASSERT_EQ(dataset->size(), 3);
  EXPECT_EQ(dataset->name(0), (root_ / "train_val/images/d_r_1_.jpg").string());
  EXPECT_EQ(dataset->name(2), (root_ / "TEST/images/n_l_3_.jpg").string());
  EXPECT_EQ(dataset->classes_in(0), (Ids{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(dataset->classes_in(1), (Ids{0, 6}));
  EXPECT_EQ(dataset->classes_in(2), (Ids{1, 7}));
  for (int id = 0; id < 8; ++id) {
    std::vector<std::uint8_t> expected(8, 0);
    expected[id] = 1;  // the colours were written in the order of the classes
    EXPECT_TRUE(same(dataset->label(0, id), mask_of(4, expected))) << id;
  }
  EXPECT_TRUE(same(dataset->label(1, 6), mask_of(4, {1, 1, 1, 1, 1, 1, 0, 0})));
  EXPECT_EQ(dataset->image(2).size(), cv::Size(4, 2));
}

TEST_F(SuimDataset, PartsAndAreasAreSelected) {
  EXPECT_EQ(open(",part=train_val")->size(), 2);
  const auto test = open(",part=TEST,minimum_area=4");
  ASSERT_EQ(test->size(), 1);
  EXPECT_EQ(test->classes_in(0), Ids{7});
  EXPECT_TRUE(open("")->classes_in(1).empty());  // kMinimumArea
  expect_error(ErrorCode::kInvalidValue, {"part is 'test'", "train_val or TEST"},
               [&] { open(",part=test"); });
}

TEST_F(SuimDataset, UnknownColoursAreNamed) {
  cv::Mat mask = colours(4, "yyyyyykk");
  mask.at<cv::Vec3b>(1, 2) = {120, 3, 130};  // BGR
  mask.at<cv::Vec3b>(1, 3) = {1, 1, 1};
  write_image(root_ / "train_val/masks/f_r_2_.bmp", mask);
  refused({"f_r_2_.bmp", "colour (130, 3, 120) at pixel (2, 1)", "repair=1"});
  // Mended: 130 counts as 255, the others as 0.
  const auto dataset = open(",minimum_area=1,repair=1");
  EXPECT_EQ(dataset->classes_in(1), (Ids{0, 4, 6}));
  EXPECT_TRUE(same(dataset->label(1, 4), mask_of(4, {0, 0, 0, 0, 0, 0, 1, 0})));
  EXPECT_TRUE(same(dataset->label(1, 0), mask_of(4, {0, 0, 0, 0, 0, 0, 0, 1})));
}

TEST_F(SuimDataset, MaskOfAnotherSizeIsNamed) {
  write_image(root_ / "TEST/masks/n_l_3_.bmp", colours(2, "bw"));
  refused({"n_l_3_.bmp is 2x1 pixels, expected 4x2"});
  const auto dataset = open(",minimum_area=1,repair=1");
  EXPECT_TRUE(same(dataset->label(2, 1), mask_of(4, {1, 1, 0, 0, 1, 1, 0, 0})));
}

TEST_F(SuimDataset, MissingAndDamagedPartsAreNamed) {
  testing::write_text(root_ / "TEST/masks/n_l_3_.bmp", "BM");
  refused({"n_l_3_.bmp"}, ErrorCode::kUnreadable);
  std::filesystem::remove(root_ / "TEST/masks/n_l_3_.bmp");
  refused({"n_l_3_.jpg has no mask"});
  std::filesystem::remove(root_ / "TEST/images/n_l_3_.jpg");
  refused({"TEST/images is empty"});
  std::filesystem::remove_all(root_ / "TEST/images");
  refused({"TEST/images"}, ErrorCode::kNotFound);
  std::filesystem::remove(root_ / "train_val/images/d_r_1_.jpg");
  refused({"d_r_1_.bmp has no image"});
}

// Eight real samples, kept as index masks: painted in SUIM's colours they are read as the same.
TEST(SuimDatasetOnRealData, SamplesKeepTheirClasses) {
  const auto source = testing::shared_data("underwater");
  if (!std::filesystem::is_directory(source)) {
    GTEST_SKIP() << "no underwater data set in CDFSS_SHARED_DIR";
  }
  const testing::TemporaryFolder folder;
  const auto test = folder / "TEST";
  std::filesystem::create_directories(test);
  std::filesystem::copy(source / "images", test / "images");
  for (const auto& entry : std::filesystem::directory_iterator(source / "masks")) {
    const cv::Mat indices = read_index(entry.path());
    const auto channel = [&](int bit) { return cv::Mat((indices & bit) != 0); };
    cv::Mat picture;  // BGR
    cv::merge(std::vector<cv::Mat>{channel(1), channel(2), channel(4)}, picture);
    write_image(test / "masks" / (entry.path().stem().string() + ".bmp"), picture);
  }
  const auto expected = open_dataset("folder:" + source.string(), FoldPart::kTest);
  const auto dataset =
      open_dataset("suim:" + test.parent_path().string() + ",part=TEST", FoldPart::kTest);
  ASSERT_EQ(dataset->size(), 8);
  ASSERT_EQ(expected->classes().size(), 7u);  // without the water
  for (int index = 0; index < 8; ++index) {
    Ids without_water = dataset->classes_in(index);
    std::erase(without_water, 0);
    for (int& id : without_water) --id;
    EXPECT_EQ(without_water, expected->classes_in(index)) << index;
    for (int id = 1; id < 8; ++id) {
      EXPECT_TRUE(same(dataset->label(index, id), expected->label(index, id - 1))) << index << id;
    }
  }
}

}  // namespace
}  // namespace cdfss
