#include <gtest/gtest.h>

#include "data/class_tables.h"
#include "data/coco_annotations.h"
#include "data/coco_rle.h"
#include "data/dataset.h"
#include "data/polygon.h"
#include "data_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::mask_of;
using testing::same;
using testing::write_text;

using Runs = std::vector<std::uint32_t>;

// Worked out by hand: '0' + 5 bits, + 32 while more follow, from the fourth on as differences.
TEST(CocoRuns, TextIsDecoded) {
  EXPECT_EQ(decode_coco_runs("324", "x"), (Runs{3, 2, 4}));
  EXPECT_EQ(decode_coco_runs("324O", "x"), (Runs{3, 2, 4, 1}));      // 'O' = 31 = -1: 2 - 1
  EXPECT_EQ(decode_coco_runs("3243", "x"), (Runs{3, 2, 4, 5}));      // 2 + 3
  EXPECT_EQ(decode_coco_runs("3243O", "x"), (Runs{3, 2, 4, 5, 3}));  // 4 - 1
  EXPECT_EQ(decode_coco_runs("T3", "x"), Runs{100});                 // 4 + 32, then 3: 4 + 3 * 32
  EXPECT_EQ(decode_coco_runs("`0", "x"), Runs{16});                  // 16 alone would be negative
  EXPECT_EQ(decode_coco_runs("`P1", "x"), Runs{16 + 0 * 32 + 1024});
  EXPECT_EQ(decode_coco_runs("0T3", "x"), (Runs{0, 100}));
  EXPECT_EQ(decode_coco_runs("", "x"), Runs{});
}

TEST(CocoRuns, WrongTextIsRefused) {
  const auto refused = [](const char* text, const char* what) {
    expect_error(ErrorCode::kInvalidValue, {"here", what}, [&] { decode_coco_runs(text, "here"); });
  };
  refused("3 4", "character at 1");
  refused("3\xc3", "character at 1");
  refused("T", "within a number");
  refused("O", "run 0 is -1");
}

TEST(CocoRuns, GoDownTheColumns) {
  cv::Mat mask = cv::Mat::zeros(2, 3, CV_8UC1);
  check_coco_runs({1, 3, 2}, mask.size(), "x");
  fill_coco_runs(mask, {1, 3, 2}, 7);
  EXPECT_TRUE(same(mask, mask_of(3, {0, 7, 0, 7, 7, 0})));
  expect_error(ErrorCode::kInvalidValue, {"here", "runs of 5", "expected 6", "3x2"},
               [&] { check_coco_runs({1, 4}, mask.size(), "here"); });
}

constexpr const char* kHead = R"({
  "images": [{"id": 7, "file_name": "b.jpg", "width": 4, "height": 4},
             {"id": 3, "file_name": "a.jpg", "width": 4, "height": 2}],
  "categories": [{"id": 90, "name": "owl"}, {"id": 2, "name": "cat"}],
  "annotations": [)";

class CocoFileTest : public ::testing::Test {
 protected:
  CocoFile read(const std::string& annotations) {
    write_text(folder_ / "c.json", kHead + annotations + "]}");
    return read_coco(folder_ / "c.json");
  }
  void refused(const std::string& annotation, std::initializer_list<std::string_view> parts) {
    expect_error(ErrorCode::kInvalidValue, parts, [&] { read(annotation); });
  }
  testing::TemporaryFolder folder_;
};

TEST_F(CocoFileTest, CategoriesByIdAndImagesByName) {
  const CocoFile coco = read("");
  EXPECT_EQ(coco.categories, (std::vector<std::string>{"cat", "owl"}));
  ASSERT_EQ(coco.images.size(), 2u);
  EXPECT_EQ(coco.images[0].file_name, "a.jpg");
  EXPECT_EQ(coco.images[0].size, cv::Size(4, 2));
}

TEST_F(CocoFileTest, EveryFormOfMaskIsDrawn) {
  // Runs 2, 2, 4 of 4 x 2 down the columns are the second column: as numbers and as text.
  const CocoFile coco = read(R"(
    {"id": 1, "image_id": 3, "category_id": 2, "iscrowd": 0,
     "segmentation": {"size": [2, 4], "counts": [2, 2, 4]}},
    {"id": 2, "image_id": 3, "category_id": 90, "iscrowd": 0,
     "segmentation": {"size": [2, 4], "counts": "224"}},
    {"id": 3, "image_id": 3, "category_id": 90, "iscrowd": 1,
     "segmentation": {"size": [2, 4], "counts": [0, 4, 4]}},
    {"id": 4, "image_id": 7, "category_id": 2,
     "segmentation": [[0, 0, 2, 0, 2, 2, 0, 2], [4, 2, 4, 4, 2, 4]]})");
  const CocoImage& a = coco.images[0];
  EXPECT_TRUE(same(coco_label(a, 0), mask_of(4, {255, 1, 0, 0, 255, 1, 0, 0})));
  EXPECT_TRUE(same(coco_label(a, 1), mask_of(4, {255, 1, 0, 0, 255, 1, 0, 0})));
  // Two polygons, united: a square, and a triangle with centres on its long side.
  EXPECT_TRUE(same(coco_label(coco.images[1], 0), mask_of(4, {1, 1, 0, 0,  //
                                                              1, 1, 0, 0,  //
                                                              0, 0, 0, 1,  //
                                                              0, 0, 1, 1})));
  EXPECT_EQ(cv::countNonZero(coco_label(coco.images[1], 1)), 0);
}

// The square also as COCO's own tool (pycocotools 2.0.11) draws it.
TEST(CocoPolygons, CoverTheirAreaAndNotTheirOutline) {
  const auto drawn = [](int side, const std::vector<cv::Point2d>& points) {
    cv::Mat mask = cv::Mat::zeros(side, side, CV_8UC1);
    fill_polygon_centres(mask, points, 1);
    return mask;
  };
  const cv::Mat square = drawn(60, {{5, 5}, {55, 5}, {55, 55}, {5, 55}});
  EXPECT_EQ(cv::countNonZero(square), 50 * 50);
  EXPECT_EQ(cv::countNonZero(square(cv::Rect(5, 5, 50, 50))), 50 * 50);
  // Centres from 2.5 to 11.5 lie between the sides.
  EXPECT_EQ(cv::countNonZero(drawn(20, {{2.3, 2.3}, {11.8, 2.3}, {11.8, 11.8}, {2.3, 11.8}})), 100);
  // Between two centres, along one, or off the image: nothing.
  EXPECT_EQ(cv::countNonZero(drawn(9, {{1.6, 1}, {2.4, 1}, {2.4, 8}, {1.6, 8}})), 0);
  EXPECT_EQ(cv::countNonZero(drawn(9, {{1.5, 1}, {1.5, 8}, {1.5, 4}})), 0);
  EXPECT_EQ(cv::countNonZero(drawn(9, {{-9, -9}, {-1, -9}, {-1, 30}})), 0);
  // Partly off it: what is left of it.
  EXPECT_EQ(cv::countNonZero(drawn(9, {{-9, -9}, {3, -9}, {3, 30}, {-9, 30}})), 3 * 9);
}

TEST_F(CocoFileTest, NumbersAreTakenAsTheyAreOrRefused) {
  const auto annotation = [](const std::string& ids, const std::string& counts) {
    return "{" + ids + R"(, "segmentation": {"size": [2, 4], "counts": )" + counts + "}}";
  };
  const std::string good = R"("id": 41, "image_id": 3, "category_id": 2)";
  refused(annotation(R"("id": 41, "image_id": 3, "category_id": 2.7)", "[8]"),
          {"c.json", "annotation 41: category_id is 2.7", "whole number"});
  refused(annotation(R"("id": 41, "image_id": "3", "category_id": 2)", "[8]"),
          {"annotation 41: image_id is \"3\"", "whole number"});
  refused(annotation(good, "[4.5, 3.9]"), {"annotation 41: a run length is 4.5"});
  refused(annotation(good, "[-4, 12]"), {"annotation 41", "run of -4"});
  refused(annotation(good, "[4294967300, 4]"), {"annotation 41", "run of 4294967300"});
  refused(annotation(good, "[8]") + R"(, {"id": 42, "image_id": 3, "category_id": 2})",
          {"c.json", "entry 2 of annotations", "segmentation"});
  const auto refused_width = [&](const char* width, std::initializer_list<std::string_view> parts) {
    write_text(folder_ / "c.json",
               std::string(R"({"categories": [{"id": 1, "name": "a"}], "annotations": [],
                               "images": [{"id": 1, "file_name": "x.jpg", "height": 3, "width": )") +
                   width + "}]}");
    expect_error(ErrorCode::kInvalidValue, parts, [&] { read_coco(folder_ / "c.json"); });
  };
  refused_width("4.9", {"x.jpg", "width is 4.9", "whole number"});
  refused_width("4294967300", {"x.jpg", "4294967300x3"});
}

TEST_F(CocoFileTest, WrongAnnotationsAreNamed) {
  const auto with = [](const std::string& segmentation, int image = 3, int category = 2) {
    return R"({"id": 41, "image_id": )" + std::to_string(image) + R"(, "category_id": )" +
           std::to_string(category) + R"(, "segmentation": )" + segmentation + "}";
  };
  refused(with("[[0, 0, 1, 1, 1, 0]]", 4),
          {"c.json", "annotation 41", "image_id 4", "2 from 3 to 7"});
  // Ids 3 to 89 are a gap between the file's two categories.
  refused(with("[[0, 0, 1, 1, 1, 0]]", 3, 12),
          {"c.json", "annotation 41", "category_id 12", "not in the file", "2 from 2 to 90"});
  refused(with("[]"), {"annotation 41", "no polygon"});
  refused(with("[[0, 0, 1, 1]]"), {"annotation 41", "4 numbers"});
  refused(with("[[0, 0, 1, 1, 1, 0, 2]]"), {"annotation 41", "7 numbers"});
  refused(with("[[0, 0, 1e9, 1, 1, 0]]"), {"annotation 41", "far outside"});
  refused(with(R"({"size": [4, 2], "counts": [8]})"), {"annotation 41", "[2, 4]"});
  refused(with(R"({"size": [2, 4], "counts": [9]})"), {"annotation 41", "runs of 9"});
  refused(with(R"({"size": [2, 4], "counts": "T"})"), {"annotation 41", "within a number"});
  refused(with(R"({"size": [2, 4]})"), {"c.json", "counts"});
  refused(with("\"polygon\""), {"c.json"});
  refused(R"({"id": 41})", {"c.json", "image_id"});
}

TEST_F(CocoFileTest, WrongFilesAreNamed) {
  const auto refused_file = [&](ErrorCode code, const char* text, const char* what) {
    write_text(folder_ / "c.json", text);
    expect_error(code, {"c.json", what}, [&] { read_coco(folder_ / "c.json"); });
  };
  refused_file(ErrorCode::kUnreadable, "{", "not JSON");
  refused_file(ErrorCode::kUnreadable, "", "not JSON");
  refused_file(ErrorCode::kInvalidValue, "[]", "");
  refused_file(ErrorCode::kInvalidValue, R"({"categories": []})", "no categories");
  refused_file(ErrorCode::kInvalidValue,
               R"({"categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}]})", "taken");
  refused_file(ErrorCode::kInvalidValue,
               R"({"categories": [{"id": 1, "name": "a"}], "images": []})", "no images");
  refused_file(ErrorCode::kInvalidValue, R"({"categories": [{"id": 1, "name": "a"}],
      "images": [{"id": 1, "file_name": "x.jpg", "width": 0, "height": 3}]})",
               "x.jpg");
  refused_file(ErrorCode::kInvalidValue, R"({"categories": [{"id": 1, "name": "a"}],
      "images": [{"id": 1, "file_name": "x.jpg", "width": 2, "height": 3},
                 {"id": 2, "file_name": "x.jpg", "width": 2, "height": 3}]})",
               "twice");
  expect_error(ErrorCode::kNotFound, {"none.json"}, [&] { read_coco(folder_ / "none.json"); });
}

class CocoDatasetTest : public ::testing::Test {
 protected:
  // One 64 x 64 image with `categories` classes; the upper half (2048 pixels) is the class of id
  // 10, one pixel less is the class of id 20.
  CocoDatasetTest() { testing::write_photo(folder_ / "images/x.jpg", 64, 64); }
  std::shared_ptr<const Dataset> open(int categories, const std::string& options,
                                      FoldPart part = FoldPart::kTrain,
                                      const std::string& first = "person") {
    std::string list;
    for (int i = 1; i <= categories; ++i) {
      list += std::string(i == 1 ? "" : ",") + R"({"id": )" + std::to_string(10 * i) +
              R"(, "name": ")" + (i == 1 ? first : coco_class_names()[i - 1]) + R"("})";
    }
    std::string columns;  // 32 pixels of every column
    for (int i = 0; i < 64; ++i) columns += (i == 0 ? "0,32" : ",32,32");
    write_text(folder_ / "c.json", R"({"images": [{"id": 1, "file_name": "x.jpg", "width": 64,
      "height": 64}], "categories": [)" +
                                       list + R"(], "annotations": [
      {"id": 1, "image_id": 1, "category_id": 10,
       "segmentation": {"size": [64, 64], "counts": [)" +
                                       columns + R"(,32]}},
      {"id": 2, "image_id": 1, "category_id": 20,
       "segmentation": {"size": [64, 64], "counts": [0, 2047, 2049]}}]})");
    return open_dataset("coco:" + (folder_ / "images").string() + options, part);
  }
  std::string json() { return ",json=" + (folder_ / "c.json").string(); }
  testing::TemporaryFolder folder_;
};

TEST_F(CocoDatasetTest, ClassesNeedTheMinimumArea) {
  const auto dataset = open(2, json());
  EXPECT_EQ(dataset->classes(), (std::vector<std::string>{"person", "bicycle"}));
  ASSERT_EQ(dataset->size(), 1);
  EXPECT_EQ(dataset->classes_in(0), std::vector<int>{0});
  EXPECT_EQ(cv::countNonZero(dataset->label(0, 0)), 2048);
  EXPECT_EQ(cv::countNonZero(dataset->label(0, 0).rowRange(0, 32)), 2048);
  EXPECT_EQ(cv::countNonZero(dataset->label(0, 1)), 2047);
  EXPECT_EQ(dataset->image(0).size(), cv::Size(64, 64));
  EXPECT_EQ(open(2, json() + ",minimum_area=2047")->classes_in(0), (std::vector<int>{0, 1}));
}

TEST_F(CocoDatasetTest, FoldsTakeEveryFourthClass) {
  const auto test = open(80, json() + ",fold=1", FoldPart::kTest);
  ASSERT_EQ(test->classes().size(), 20u);
  EXPECT_EQ(test->classes()[0], "bicycle");
  EXPECT_EQ(test->classes()[1], "bus");
  EXPECT_EQ(test->classes()[19], "teddy bear");
  EXPECT_TRUE(test->classes_in(0).empty());
  const auto train = open(80, json() + ",fold=1", FoldPart::kTrain);
  EXPECT_EQ(train->classes().size(), 60u);
  EXPECT_EQ(train->classes_in(0), std::vector<int>{0});
}

TEST_F(CocoDatasetTest, WrongSetsAreNamed) {
  expect_error(ErrorCode::kInvalidValue, {"c.json", "2 categories", "80"},
               [&] { open(2, json() + ",fold=0"); });
  expect_error(ErrorCode::kInvalidValue,
               {"c.json", "category number 1 is 'people'", "expected COCO's 'person'"},
               [&] { open(80, json() + ",fold=0", FoldPart::kTrain, "people"); });
  expect_error(ErrorCode::kNotFound, {"annotations.json"}, [&] { open(2, ""); });
  testing::write_photo(folder_ / "images/x.jpg", 64, 63);
  expect_error(ErrorCode::kInvalidValue, {"x.jpg is 64x63 pixels, expected 64x64"},
               [&] { open(2, json()); });
  std::filesystem::remove(folder_ / "images/x.jpg");
  expect_error(ErrorCode::kNotFound, {"x.jpg"}, [&] { open(2, json()); });
}

}  // namespace
}  // namespace cdfss
