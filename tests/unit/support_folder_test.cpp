#include <gtest/gtest.h>

#include <algorithm>

#include "cdfss/support_set.h"
#include "data_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::mask_of;
using testing::write_image;
using testing::write_photo;
using testing::write_text;

using Mask = std::vector<std::uint8_t>;

// Every image is 4 x 2.
class SupportFolder : public ::testing::Test {
 protected:
  void photo(const std::string& name) { write_photo(root_ / name, 4, 2); }
  void mask(const std::string& name, const Mask& values) {
    write_image(root_ / name, mask_of(4, values));
  }
  void text(const std::string& name, const std::string& content) {
    write_text(root_ / name, content);
  }
  // One labelled image, so that a test can add what is wrong.
  void good_pair(const std::string& folder = "") {
    photo(folder + "01.jpg");
    mask(folder + "01.png", kFish);
  }
  SupportSet load() { return SupportSet::load(root_); }
  void refused(std::initializer_list<std::string_view> parts,
               ErrorCode code = ErrorCode::kInvalidValue) {
    expect_error(code, parts, [&] { load(); });
  }
  // "name:shots" of every class.
  static std::vector<std::string> summary(const SupportSet& set) {
    std::vector<std::string> result;
    for (const SupportClass& entry : set.classes()) {
      result.push_back(entry.name + ":" + std::to_string(entry.shots.size()));
    }
    return result;
  }
  using Summary = std::vector<std::string>;

  const Mask kFish{0, 1, 1, 0, 0, 0, 0, 0};
  testing::TemporaryFolder folder_;
  std::filesystem::path root_ = folder_ / "fish";
};

TEST_F(SupportFolder, FlatFolderIsOneClassNamedAfterIt) {
  good_pair();
  photo("02.JPEG");
  mask("02.png", {255, 255, 0, 0, 0, 0, 0, 0});
  text(".DS_Store", "");
  const SupportSet set = load();
  ASSERT_EQ(summary(set), Summary{"fish:2"});
  EXPECT_EQ(set.classes()[0].shots[0].mask, kFish);
  EXPECT_EQ(set.classes()[0].shots[1].mask, (Mask{1, 1, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(set.classes()[0].shots[0].source, (root_ / "01.png").string());
  EXPECT_EQ(set.classes()[0].shots[0].image->width, 4);
  EXPECT_EQ(summary(SupportSet::load(root_ / "")), Summary{"fish:2"});  // a trailing slash
  EXPECT_EQ(summary(SupportSet::load(root_ / ".")), Summary{"fish:2"});
}

TEST_F(SupportFolder, SubFoldersAreClasses) {  // FSS-1000's layout, too
  good_pair("reef/");
  good_pair("crab/");
  photo("crab/10.jpg");
  mask("crab/10.png", kFish);
  EXPECT_EQ(summary(load()), (Summary{"crab:2", "reef:1"}));
}

TEST_F(SupportFolder, BinaryMaskValues) {
  photo("a.jpg");
  mask("a.png", {0, 1, 255, 0, 0, 0, 0, 0});  // 255 beside 1 is ignored
  EXPECT_EQ(load().classes()[0].shots[0].mask, (Mask{0, 1, 255, 0, 0, 0, 0, 0}));
  mask("a.png", Mask(8, 255));
  EXPECT_EQ(load().classes()[0].shots[0].mask, Mask(8, 1));
  cv::Mat white(2, 4, CV_8UC3, cv::Scalar(0, 0, 0));
  white.at<cv::Vec3b>(0, 3) = {255, 255, 255};
  write_image(root_ / "a.png", white);
  EXPECT_EQ(load().classes()[0].shots[0].mask, (Mask{0, 0, 0, 1, 0, 0, 0, 0}));
  testing::write_palette_png(root_ / "a.png", mask_of(4, kFish), {{0, 0, 0}, {128, 0, 0}});
  EXPECT_EQ(load().classes()[0].shots[0].mask, kFish);
}

TEST_F(SupportFolder, IndexMasksAreNamedByClassesTxt) {
  text("classes.txt", "bg\nreef\n-\ncrab\n");
  photo("a.jpg");
  mask("a.png", {3, 3, 0, 0, 0, 0, 0, 255});
  photo("b.jpg");
  mask("b.png", {1, 3, 0, 0, 0, 0, 0, 0});
  photo("classes.jpg");  // its stem is free
  mask("classes.png", {1, 0, 0, 0, 0, 0, 0, 0});
  const SupportSet set = load();
  ASSERT_EQ(summary(set), (Summary{"reef:2", "crab:2"}));  // in the order of classes.txt
  EXPECT_EQ(set.classes()[1].shots[0].mask, (Mask{1, 1, 0, 0, 0, 0, 0, 255}));
  EXPECT_EQ(set.classes()[1].shots[1].mask, (Mask{0, 1, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(set.classes()[0].shots[0].image, set.classes()[1].shots[1].image);  // shared
}

TEST_F(SupportFolder, IndexMasksMustFitClassesTxt) {
  photo("a.jpg");
  mask("a.png", {0, 1, 15, 0, 0, 0, 0, 255});
  refused({"a.png", "0, 1, 15, 255", "classes.txt"});
  text("classes.txt", "bg\nreef\n-\n");
  refused({"a.png", "index 15"});
  mask("a.png", {0, 2, 0, 0, 0, 0, 0, 0});
  refused({"a.png", "index 2"});
  mask("a.png", {0, 255, 0, 0, 0, 0, 0, 0});
  refused({"a.png", "labels nothing", "0, 255"});
  text("classes.txt", "bg\n");
  refused({"classes.txt", "no class"});
}

TEST_F(SupportFolder, LabelMeShapesAreDrawn) {
  photo("a.jpg");
  text("a.json", R"({"imagePath": "C:\\else\\where.jpg", "imageWidth": 4, "imageHeight": 2,
    "shapes": [
      {"label": "crab", "shape_type": "rectangle", "points": [[1.5, 1.5], [0.5, 0.5]]},
      {"label": "reef", "points": [[3.5, 0.5], [3.5, 1.5], [2.5, 1.5]]},
      {"label": "crab", "shape_type": "circle", "points": [[2.5, 0.5], [2.5, 0.6]]},
      {"label": "__ignore__", "shape_type": "rectangle", "points": [[0.5, 0.5], [3.5, 0.5]]}]})");
  const SupportSet set = load();
  ASSERT_EQ(summary(set), (Summary{"crab:1", "reef:1"}));
  EXPECT_EQ(set.classes()[0].shots[0].mask, (Mask{1, 1, 1, 255, 1, 1, 0, 0}));
  EXPECT_EQ(set.classes()[1].shots[0].mask, (Mask{255, 255, 255, 1, 0, 0, 1, 1}));
}

TEST_F(SupportFolder, LabelMeMayLabelAPngImage) {
  photo("a.png");
  text("a.json", R"({"shapes": [{"label": "crab", "points": [[0, 0], [3, 0], [3, 2]]}]})");
  EXPECT_EQ(summary(load()), Summary{"crab:1"});
}

TEST_F(SupportFolder, WrongLabelMeIsNamed) {
  photo("a.jpg");
  const auto wrong = [&](const std::string& json, std::initializer_list<std::string_view> parts,
                         ErrorCode code = ErrorCode::kInvalidValue) {
    text("a.json", json);
    refused(parts, code);
  };
  const auto shape = [](const std::string& kind, const std::string& points) {
    return R"({"shapes": [{"label": "crab", "shape_type": ")" + kind + R"(", "points": )" + points +
           "}]}";
  };
  wrong("{\"shapes\": [", {"a.json", "not JSON"}, ErrorCode::kUnreadable);
  wrong("{}", {"a.json", "shapes"});
  wrong(R"({"shapes": []})", {"a.json", "labels nothing"});
  wrong(R"({"shapes": [{"points": []}]})", {"a.json", "label"});
  wrong(R"({"shapes": [], "imageWidth": 5, "imageHeight": 2})", {"a.json", "5x2", "4x2"});
  wrong(shape("polygon", "[[0, 0], [1, 1]]"), {"a.json", "shape 1 ('crab')", "2 points"});
  wrong(shape("rectangle", "[[0, 0]]"), {"a.json", "1 points", "two corners"});
  wrong(shape("circle", "[[0, 0]]"), {"a.json", "1 points", "centre"});
  wrong(shape("line", "[[0, 0], [1, 1]]"), {"a.json", "is a line", "polygon"});
  wrong(shape("polygon", "[[0, 0], [1e12, 1], [2, 2]]"), {"a.json", "far outside"});
  wrong(shape("polygon", "[[0], [1, 1], [2, 2]]"), {"a.json"});
  wrong(shape("polygon", "[[9, 9], [9, 10], [10, 9]]"), {"a.json", "empty"});  // off the image
}

constexpr const char* kCoco = R"({
  "images": [{"id": 1, "file_name": "a.jpg", "width": 4, "height": 2},
             {"id": 2, "file_name": "more/b.png", "width": 4, "height": 2}],
  "categories": [{"id": 5, "name": "reef"}, {"id": 2, "name": "crab"}, {"id": 9, "name": "eel"}],
  "annotations": [
    {"id": 1, "image_id": 1, "category_id": 5, "segmentation": {"size": [2, 4], "counts": [0, 2, 6]}},
    {"id": 2, "image_id": 2, "category_id": 2, "segmentation": {"size": [2, 4], "counts": "224"}},
    {"id": 3, "image_id": 2, "category_id": 5, "iscrowd": 1,
     "segmentation": {"size": [2, 4], "counts": [6, 2]}}]})";

TEST_F(SupportFolder, CocoFileLabelsItsImages) {
  photo("a.jpg");
  photo("more/b.png");
  text("annotations.json", kCoco);
  const SupportSet set = load();
  ASSERT_EQ(summary(set), (Summary{"crab:1", "reef:1"}));  // by category id; no eel anywhere
  EXPECT_EQ(set.classes()[0].shots[0].mask, (Mask{0, 1, 0, 255, 0, 1, 0, 255}));
  EXPECT_EQ(set.classes()[1].shots[0].mask, (Mask{1, 0, 0, 0, 1, 0, 0, 0}));
}

TEST_F(SupportFolder, CocoFileAndFolderMustAgree) {
  text("annotations.json", kCoco);
  photo("a.jpg");
  refused({"b.png"}, ErrorCode::kNotFound);
  photo("more/b.png");
  photo("more/c.jpg");
  refused({"c.jpg", "annotations.json"});
  std::filesystem::remove(root_ / "more/c.jpg");
  write_photo(root_ / "more/b.png", 5, 2);
  refused({"b.png", "5x2", "4x2"});
  photo("more/b.png");
  std::string without = kCoco;
  without.replace(without.find("\"image_id\": 1"), 13, "\"image_id\": 2");
  text("annotations.json", without);
  refused({"a.jpg", "no object"});
}

TEST_F(SupportFolder, ImageAndMaskNeedEachOther) {
  good_pair();
  photo("02.jpg");
  refused({"02.jpg has no mask", "02.png"});
  std::filesystem::remove(root_ / "02.jpg");
  mask("03.png", kFish);
  refused({"03.png has no image", "03.jpg"});
  std::filesystem::remove(root_ / "03.png");
  text("04.json", "{}");
  refused({"04.json has no image"});
}

TEST_F(SupportFolder, OneImageAndOneLabelAStem) {
  good_pair();
  photo("01.bmp");
  refused({"01.jpg", "01.bmp"});
  std::filesystem::remove(root_ / "01.bmp");
  text("01.json", "{}");
  refused({"01.json", "01.png"});
}

TEST_F(SupportFolder, SizesMustAgree) {
  photo("a.jpg");
  write_image(root_ / "a.png", mask_of(3, {0, 1, 1, 0, 0, 0}));
  refused({"a.png", "3x2", "4x2"});
}

TEST_F(SupportFolder, EmptyMaskIsRefused) {
  photo("a.jpg");
  mask("a.png", Mask(8, 0));
  refused({"a.png", "labels nothing"});
}

TEST_F(SupportFolder, ColouredMaskIsRefused) {
  photo("a.jpg");
  write_image(root_ / "a.png", cv::Mat(2, 4, CV_8UC3, cv::Scalar(0, 0, 128)));
  refused({"a.png", "coloured"});
}

TEST_F(SupportFolder, UnreadableFilesAreRefused) {
  good_pair();
  text("01.png", "not an image");
  refused({"01.png"}, ErrorCode::kUnreadable);
  mask("01.png", kFish);
  text("01.jpg", "not an image");
  refused({"01.jpg"}, ErrorCode::kUnreadable);
}

TEST_F(SupportFolder, UnknownFilesAreRefused) {
  good_pair();
  text("README.md", "hello");
  refused({"README.md", "does not belong"});
}

TEST_F(SupportFolder, FoldersAndImagesDoNotMix) {
  good_pair();
  good_pair("crab/");
  refused({"01.jpg", "beside class folders"});
}

TEST_F(SupportFolder, DeeperFoldersAreRefused) {
  good_pair("crab/");
  std::filesystem::create_directories(root_ / "crab/old");
  refused({"crab/old", "does not belong"});
}

TEST_F(SupportFolder, EmptyAndMissingFoldersAreRefused) {
  refused({root_.string(), "does not exist"}, ErrorCode::kNotFound);
  std::filesystem::create_directories(root_);
  refused({root_.string(), "is empty"});
  good_pair("crab/");
  std::filesystem::create_directories(root_ / "reef");
  refused({"reef", "is empty"});
  expect_error(ErrorCode::kNotFound, {"01.jpg", "not a folder"},
               [&] { SupportSet::load(root_ / "crab/01.jpg"); });
}

}  // namespace
}  // namespace cdfss
