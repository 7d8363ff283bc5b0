#include "data/video_sequence.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "io_test_support.h"
#include "video_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::TemporaryFolder;
using testing::write_square_video;

std::vector<std::string> names_of(const std::vector<VideoSequence>& sequences) {
  std::vector<std::string> names;
  for (const VideoSequence& sequence : sequences) names.push_back(sequence.name);
  return names;
}

class FindSequences : public ::testing::Test {
 protected:
  FindSequences() {
    write_square_video(root_, "swan", 3);
    write_square_video(root_, "bear", 2);
  }
  void list(const std::string& file, const std::string& text) {
    const auto path = root_ / "ImageSets" / file;
    std::filesystem::create_directories(path.parent_path());
    testing::write_bytes(path, text);
  }
  TemporaryFolder folder_;
  std::filesystem::path root_ = folder_ / "davis";
};

TEST_F(FindSequences, EveryFolderByNameWithoutAList) {
  const auto sequences = find_sequences(root_, {});
  EXPECT_EQ(names_of(sequences), (std::vector<std::string>{"bear", "swan"}));
  ASSERT_EQ(sequences[1].frames.size(), 3U);
  EXPECT_EQ(sequences[1].frames[2].image.filename(), "00002.jpg");
  EXPECT_EQ(sequences[1].frames[2].annotation.filename(), "00002.png");
}

TEST_F(FindSequences, ListsSayWhichAndInWhatOrder) {
  list("val.txt", "swan\r\n\nbear\nswan\n");
  EXPECT_EQ(names_of(find_sequences(root_, {})), (std::vector<std::string>{"swan", "bear"}));
}

TEST_F(FindSequences, ListsOfFramesNameTheirSequence) {
  list("480p/val.txt",
       "/JPEGImages/480p/swan/00000.jpg /Annotations/480p/swan/00000.png\n"
       "/JPEGImages/480p/swan/00001.jpg /Annotations/480p/swan/00001.png\n");
  EXPECT_EQ(names_of(find_sequences(root_, {})), (std::vector<std::string>{"swan"}));
}

TEST_F(FindSequences, NamesGoBeforeLists) {
  list("val.txt", "swan\n");
  EXPECT_EQ(names_of(find_sequences(root_, {"bear"})), (std::vector<std::string>{"bear"}));
}

TEST_F(FindSequences, FindsFoldersWithoutAResolution) {
  for (const char* kind : {"JPEGImages", "Annotations"}) {
    std::filesystem::rename(root_ / kind / "480p" / "swan", root_ / kind / "swan");
    std::filesystem::remove_all(root_ / kind / "480p");
  }
  EXPECT_EQ(names_of(find_sequences(root_, {})), (std::vector<std::string>{"swan"}));
}

TEST_F(FindSequences, FramesWithoutAnnotationStay) {
  std::filesystem::remove(root_ / "Annotations" / "480p" / "swan" / "00001.png");
  const auto sequences = find_sequences(root_, {"swan"});
  ASSERT_EQ(sequences[0].frames.size(), 3U);
  EXPECT_TRUE(sequences[0].frames[1].annotation.empty());
  EXPECT_FALSE(sequences[0].frames[2].annotation.empty());
}

TEST_F(FindSequences, NamesWhatIsMissing) {
  expect_error(ErrorCode::kNotFound, {"nowhere"}, [&] { find_sequences(root_ / "nowhere", {}); });
  expect_error(ErrorCode::kNotFound, {"\"fox\"", "JPEGImages"},
               [&] { find_sequences(root_, {"fox"}); });
  std::filesystem::remove(root_ / "JPEGImages" / "480p" / "bear" / "00001.jpg");
  expect_error(ErrorCode::kInvalidValue, {"bear/00001.png"},
               [&] { find_sequences(root_, {"bear"}); });
  // Not passed over in silence.
  std::filesystem::remove_all(root_ / "JPEGImages" / "480p" / "bear");
  expect_error(ErrorCode::kNotFound, {"\"bear\"", "JPEGImages"},
               [&] { find_sequences(root_, {}); });
  std::filesystem::remove_all(root_ / "Annotations");
  expect_error(ErrorCode::kNotFound, {root_.string(), "Annotations"},
               [&] { find_sequences(root_, {}); });
}

TEST(ObjectLabel, BinaryMasksMarkTheObjectWith255) {
  const cv::Mat indices = (cv::Mat_<std::uint8_t>(1, 3) << 0, 255, 255);
  ASSERT_EQ(annotation_rule(indices), AnnotationRule::kBinary);
  const cv::Mat label = object_label(indices, AnnotationRule::kBinary);
  EXPECT_EQ(cv::countNonZero(label != (cv::Mat_<std::uint8_t>(1, 3) << 0, 1, 1)), 0);
}

TEST(ObjectLabel, IndexedMasksIgnore255) {
  const cv::Mat indices = (cv::Mat_<std::uint8_t>(1, 4) << 0, 1, 2, 255);
  ASSERT_EQ(annotation_rule(indices), AnnotationRule::kIndexed);
  const cv::Mat label = object_label(indices, AnnotationRule::kIndexed);
  EXPECT_EQ(cv::countNonZero(label != (cv::Mat_<std::uint8_t>(1, 4) << 0, 1, 1, 255)), 0);
}

}  // namespace
}  // namespace cdfss
