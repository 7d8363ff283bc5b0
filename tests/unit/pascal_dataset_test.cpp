#include <gtest/gtest.h>
#include <matio.h>

#include "data/dataset.h"
#include "data_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::write_photo;
using testing::write_text;

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
  EXPECT_EQ(open(FoldPart::kTest, ",split=train")->size(), 2);
  EXPECT_EQ(open(FoldPart::kTest, ",minimum_area=4096")->classes_in(0), std::vector<int>{});
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
  expect_error(ErrorCode::kInvalidValue, {"val.txt, line 1", "'2007_3 1'"},
               [&] { open(FoldPart::kTest); });
  list("val.txt", "2007_3\n\n2007_3\n");
  expect_error(ErrorCode::kInvalidValue, {"val.txt, line 3", "'2007_3' a second time", "line 1"},
               [&] { open(FoldPart::kTest); });
  list("val.txt", "\n");
  expect_error(ErrorCode::kInvalidValue, {"val.txt is empty"}, [&] { open(FoldPart::kTest); });
  list("val.txt", "2007_3\n");
  cv::Mat small(4, 4, CV_8UC1, cv::Scalar(1));
  testing::write_image(root_ / "SegmentationClass/2007_3.png", small);
  expect_error(ErrorCode::kInvalidValue, {"2007_3.png is 4x4 pixels, expected 64x64"},
               [&] { open(FoldPart::kTest); });
  expect_error(ErrorCode::kInvalidValue, {"only one of list and split"},
               [&] { open(FoldPart::kTest, ",list=a,split=val"); });
  expect_error(ErrorCode::kNotFound, {"Segmentation/trainval.txt"},
               [&] { open(FoldPart::kTest, ",split=trainval"); });
  expect_error(ErrorCode::kInvalidValue, {"split merged", "sbd="},
               [&] { open(FoldPart::kTest, ",split=merged"); });
  std::filesystem::remove(root_ / "ImageSets/Segmentation/val.txt");
  expect_error(ErrorCode::kNotFound, {"val.txt"}, [&] { open(FoldPart::kTest); });
}

// A field of a structure, or a variable, of one byte a pixel, column after column.
matvar_t* uint8_matrix(const char* name, const cv::Mat& indices) {
  cv::Mat columns = indices.t();
  std::size_t sides[] = {static_cast<std::size_t>(indices.rows),
                         static_cast<std::size_t>(indices.cols)};
  return Mat_VarCreate(name, MAT_C_UINT8, MAT_T_UINT8, 2, sides, columns.data, 0);
}

matvar_t* number(const char* name, double value) {
  std::size_t sides[] = {1, 1};
  return Mat_VarCreate(name, MAT_C_DOUBLE, MAT_T_DOUBLE, 2, sides, &value, 0);
}

// A structure GTcls of these fields, of which it takes possession.
matvar_t* ground_truth(std::vector<std::pair<const char*, matvar_t*>> fields) {
  std::vector<const char*> names;
  for (const auto& field : fields) names.push_back(field.first);
  std::size_t sides[] = {1, 1};
  matvar_t* truth =
      Mat_VarCreateStruct("GTcls", 2, sides, names.data(), static_cast<unsigned>(names.size()));
  for (const auto& [name, variable] : fields) {
    Mat_VarSetStructFieldByName(truth, name, 0, variable);
  }
  return truth;
}

void write_mat(const std::filesystem::path& file, matvar_t* variable,
               mat_ft version = MAT_FT_MAT5) {
  std::filesystem::create_directories(file.parent_path());
  std::filesystem::remove(file);
  mat_t* mat = Mat_CreateVer(file.c_str(), nullptr, version);
  ASSERT_NE(mat, nullptr);
  ASSERT_EQ(Mat_VarWrite(mat, variable, MAT_COMPRESSION_ZLIB), 0);
  Mat_VarFree(variable);
  Mat_Close(mat);
}

// As SBD's authors ship it, beside a VOC folder: 2007_1 is labelled by both, 2007_3 is in VOC's
// validation list, 2008_4 and 2008_5 have SBD's labels only, 2008_5 has its image there too.
class SbdDataset : public PascalDataset {
 protected:
  SbdDataset() {
    write_photo(root_ / "JPEGImages/2008_4.jpg", 48, 64);
    write_photo(sbd_ / "dataset/img/2008_5.jpg", 64, 64);
    labels("2007_1", cv::Mat(64, 64, CV_8UC1, cv::Scalar(9)));
    labels("2007_3", cv::Mat(64, 64, CV_8UC1, cv::Scalar(9)));
    // The left 30 of 48 columns (1920 pixels) are a cow, but for the lowest row.
    cow_.colRange(0, 30).setTo(10);
    cow_.row(63).setTo(0);
    labels("2008_4", cow_);
    labels("2008_5", cv::Mat(64, 64, CV_8UC1, cv::Scalar(20)));
    write_text(sbd_ / "dataset/train.txt", "2007_1\n2008_5\n");
    write_text(sbd_ / "dataset/val.txt", "2008_4\n2007_3\n");
  }
  void labels(const std::string& id, const cv::Mat& indices) {
    write_mat(mat(id), ground_truth({{"Boundaries", number(nullptr, 0)},
                                     {"Segmentation", uint8_matrix(nullptr, indices)},
                                     {"CategoriesPresent", number(nullptr, 1)}}));
  }
  std::filesystem::path mat(const std::string& id) { return sbd_ / "dataset/cls" / (id + ".mat"); }
  std::shared_ptr<const Dataset> open_sbd(FoldPart part, const std::string& options = "") {
    return open(part, ",sbd=" + sbd_.string() + options);
  }
  std::vector<std::string> ids(const Dataset& dataset) {
    std::vector<std::string> ids;
    for (int i = 0; i < dataset.size(); ++i) {
      ids.push_back(std::filesystem::path(dataset.name(i)).stem());
    }
    return ids;
  }
  std::filesystem::path sbd_ = folder_ / "benchmark_RELEASE";
  cv::Mat cow_ = cv::Mat::zeros(64, 48, CV_8UC1);
};

using Ids = std::vector<std::string>;

TEST_F(SbdDataset, TrainingMergesWhatIsNotForValidation) {
  const auto train = open_sbd(FoldPart::kTrain);
  EXPECT_EQ(ids(*train), (Ids{"2007_1", "2007_2", "2008_5", "2008_4"}));
  EXPECT_EQ(train->name(2), (sbd_ / "dataset/img/2008_5.jpg").string());
  EXPECT_EQ(ids(*open_sbd(FoldPart::kTest)), Ids{"2007_3"});
  EXPECT_EQ(ids(*open_sbd(FoldPart::kTest, ",split=merged")), ids(*train));
  EXPECT_EQ(ids(*open_sbd(FoldPart::kTrain, ",split=train")), (Ids{"2007_1", "2007_2"}));
  EXPECT_EQ(ids(*open_sbd(FoldPart::kTrain, ",split=sbd-train")), (Ids{"2007_1", "2008_5"}));
  EXPECT_EQ(ids(*open_sbd(FoldPart::kTrain, ",split=sbd-val")), (Ids{"2008_4", "2007_3"}));
}

TEST_F(SbdDataset, VocMasksWinAndSbdMasksAreReadByColumns) {
  const auto dataset = open_sbd(FoldPart::kTrain, ",minimum_area=1890");
  EXPECT_EQ(dataset->classes_in(0), (std::vector<int>{0, 19}));  // VOC's 1 and 20, not SBD's 9
  EXPECT_EQ(dataset->classes_in(2), std::vector<int>{19});
  EXPECT_EQ(dataset->classes_in(3), std::vector<int>{9});  // 30 * 63 = 1890 pixels
  EXPECT_TRUE(open_sbd(FoldPart::kTrain, ",minimum_area=1891")->classes_in(3).empty());
  EXPECT_TRUE(testing::same(dataset->label(3, 9), cow_ / 10));
  EXPECT_EQ(dataset->image(3).size(), cv::Size(48, 64));
  const auto fold = open_sbd(FoldPart::kTest, ",split=merged,fold=1,minimum_area=1890");
  EXPECT_EQ(fold->classes_in(3), std::vector<int>{4});
  EXPECT_TRUE(fold->classes_in(2).empty());
}

TEST_F(SbdDataset, MissingPartsAreNamed) {
  std::filesystem::remove(mat("2008_4"));
  expect_error(ErrorCode::kNotFound,
               {"SegmentationClass/2008_4.png", "cls/2008_4.mat", "dataset/val.txt, line 1"},
               [&] { open_sbd(FoldPart::kTrain); });
  std::filesystem::remove(sbd_ / "dataset/train.txt");
  expect_error(ErrorCode::kNotFound, {"dataset/train.txt"}, [&] { open_sbd(FoldPart::kTrain); });
  expect_error(ErrorCode::kNotFound, {"elsewhere/dataset"},
               [&] { open(FoldPart::kTrain, ",sbd=elsewhere"); });
}

TEST_F(SbdDataset, DamagedLabelsAreNamed) {
  const auto refused = [&](ErrorCode code, const char* what) {
    expect_error(code, {"2008_5.mat", what}, [&] { open_sbd(FoldPart::kTrain); });
  };
  const std::string whole = testing::read_bytes(mat("2008_5"));
  write_text(mat("2008_5"), "no MATLAB file");
  refused(ErrorCode::kUnreadable, "version 5");
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{100}, std::size_t{132}, whole.size() / 2, whole.size() - 1}) {
    write_text(mat("2008_5"), whole.substr(0, length));
    refused(ErrorCode::kUnreadable, "damaged");
  }
  write_mat(mat("2008_5"), number("GTcls", 1), MAT_FT_MAT4);
  refused(ErrorCode::kUnreadable, "version 5");
  write_mat(mat("2008_5"), number("other", 1));
  refused(ErrorCode::kInvalidValue, "no variable GTcls");
  write_mat(mat("2008_5"), number("GTcls", 1));
  refused(ErrorCode::kInvalidValue, "no structure");
  write_mat(mat("2008_5"), ground_truth({{"Boundaries", number(nullptr, 0)}}));
  refused(ErrorCode::kInvalidValue, "without Segmentation");
  write_mat(mat("2008_5"), ground_truth({{"Segmentation", number(nullptr, 0)}}));
  refused(ErrorCode::kInvalidValue, "another type");
  labels("2008_5", cv::Mat(64, 63, CV_8UC1, cv::Scalar(20)));
  refused(ErrorCode::kInvalidValue, "63x64 pixels, expected 64x64");
  labels("2008_5", cv::Mat(64, 64, CV_8UC1, cv::Scalar(21)));
  refused(ErrorCode::kInvalidValue, "4096 pixels of index 21");
}

}  // namespace
}  // namespace cdfss
