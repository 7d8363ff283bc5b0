#include "data/image_file.h"

#include <gtest/gtest.h>

#include "data/image_size.h"
#include "data_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::mask_of;
using testing::same;
using testing::write_bytes;
using testing::write_image;

class ImageFile : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder_;
};

TEST_F(ImageFile, RgbComesBackInRgbOrder) {
  const cv::Mat image(2, 3, CV_8UC3, cv::Scalar(250, 128, 7));
  write_png(folder_ / "a.png", image);
  EXPECT_TRUE(same(read_rgb(folder_ / "a.png"), image));
  EXPECT_EQ(cv::imread((folder_ / "a.png").string()).at<cv::Vec3b>(0, 0), cv::Vec3b(7, 128, 250));
}

TEST_F(ImageFile, GreyAndAlphaBecomeRgb) {
  write_image(folder_ / "grey.png", cv::Mat(1, 1, CV_8UC1, cv::Scalar(9)));
  EXPECT_EQ(read_rgb(folder_ / "grey.png").at<cv::Vec3b>(0, 0), cv::Vec3b(9, 9, 9));
  write_image(folder_ / "alpha.png", cv::Mat(1, 1, CV_8UC4, cv::Scalar(1, 2, 3, 0)));
  EXPECT_EQ(read_rgb(folder_ / "alpha.png").at<cv::Vec3b>(0, 0), cv::Vec3b(3, 2, 1));
}

TEST_F(ImageFile, OrientationTagIsNotApplied) {
  write_image(folder_ / "plain.jpg", cv::Mat(4, 8, CV_8UC3, cv::Scalar::all(50)));
  std::string bytes = testing::read_bytes(folder_ / "plain.jpg");
  // An APP1 segment with one TIFF entry: orientation (0x0112) = 6, a quarter turn.
  const std::string tiff("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0", 26);
  const std::string exif = std::string("Exif\0\0", 6) + tiff;
  bytes.insert(2, std::string("\xff\xe1\0", 3) + static_cast<char>(exif.size() + 2) + exif);
  write_bytes(folder_ / "turned.jpg", bytes);
  ASSERT_EQ(cv::imread((folder_ / "turned.jpg").string()).size(), cv::Size(4, 8));
  EXPECT_EQ(read_rgb(folder_ / "turned.jpg").size(), cv::Size(8, 4));
}

TEST_F(ImageFile, PublicImageIsPackedAndComesBack) {
  cv::Mat large(4, 5, CV_8UC3);
  cv::randu(large, 0, 256);
  const cv::Mat part = large(cv::Rect(1, 1, 3, 2));  // rows are not adjacent in memory
  const Image image = to_image(part);
  EXPECT_EQ(image.pixels.size(), 3u * 3 * 2);
  EXPECT_EQ(image.pixels[3 * 3], part.at<cv::Vec3b>(1, 0)[0]);
  EXPECT_TRUE(same(to_mat(image), part));
}

TEST_F(ImageFile, PaletteGivesIndicesEvenOfEqualColours) {
  const cv::Mat indices = mask_of(3, {0, 1, 2, 2, 1, 0});
  testing::write_palette_png(folder_ / "a.png", indices, {{9, 9, 9}, {128, 0, 0}, {128, 0, 0}});
  EXPECT_TRUE(same(read_index(folder_ / "a.png"), indices));
}

TEST_F(ImageFile, GreyGivesStoredValues) {
  const cv::Mat values = mask_of(2, {0, 17, 254, 255});
  write_image(folder_ / "grey.png", values);
  EXPECT_TRUE(same(read_index(folder_ / "grey.png"), values));
  write_image(folder_ / "grey.bmp", values);
  EXPECT_TRUE(same(read_index(folder_ / "grey.bmp"), values));
  write_image(folder_ / "one_bit.png", mask_of(2, {0, 255, 255, 0}), {cv::IMWRITE_PNG_BILEVEL, 1});
  EXPECT_TRUE(same(read_index(folder_ / "one_bit.png"), mask_of(2, {0, 1, 1, 0})));
}

TEST_F(ImageFile, ColourFileOfGreysGivesTheGrey) {
  const cv::Mat values = mask_of(2, {0, 255});
  cv::Mat colour;
  cv::merge(std::vector<cv::Mat>{values, values, values}, colour);
  write_image(folder_ / "rgb.png", colour);
  EXPECT_TRUE(same(read_index(folder_ / "rgb.png"), values));
  cv::merge(std::vector<cv::Mat>{values, values, values, cv::Mat(1, 2, CV_8UC1, cv::Scalar(255))},
            colour);
  write_image(folder_ / "rgba.png", colour);
  EXPECT_TRUE(same(read_index(folder_ / "rgba.png"), values));
}

TEST_F(ImageFile, IndexOfColoursTransparencyAndSixteenBitsIsRefused) {
  const auto refused = [&](const std::string& name, const cv::Mat& image, const char* what) {
    write_image(folder_ / name, image);
    expect_error(ErrorCode::kInvalidValue, {name, what}, [&] { read_index(folder_ / name); });
  };
  refused("red.png", cv::Mat(1, 2, CV_8UC3, cv::Scalar(0, 0, 200)), "coloured");
  refused("glass.png", cv::Mat(1, 2, CV_8UC4, cv::Scalar(5, 5, 5, 100)), "transparent");
  refused("deep.png", cv::Mat(1, 2, CV_16UC1, cv::Scalar(1)), "16 bits");
  refused("red.bmp", cv::Mat(1, 2, CV_8UC3, cv::Scalar(0, 0, 200)), "3 channels");
}

TEST_F(ImageFile, WhatIsNotAnImageIsRefused) {
  expect_error(ErrorCode::kNotFound, {"none.jpg"}, [&] { read_rgb(folder_ / "none.jpg"); });
  expect_error(ErrorCode::kNotFound, {"none.png"}, [&] { read_index(folder_ / "none.png"); });
  expect_error(ErrorCode::kUnreadable, {}, [&] { read_rgb(folder_ / ""); });
  write_bytes(folder_ / "text.jpg", "this is no image");
  expect_error(ErrorCode::kUnreadable, {"text.jpg"}, [&] { read_rgb(folder_ / "text.jpg"); });
  expect_error(ErrorCode::kUnreadable, {"text.jpg"}, [&] { read_index(folder_ / "text.jpg"); });
  write_bytes(folder_ / "empty.png", "");
  expect_error(ErrorCode::kUnreadable, {"empty.png"}, [&] { read_rgb(folder_ / "empty.png"); });
}

TEST_F(ImageFile, EveryTruncatedPngIsRefused) {
  cv::Mat values(8, 8, CV_8UC1);
  cv::randu(values, 0, 256);
  write_image(folder_ / "whole.png", values);
  const std::string bytes = testing::read_bytes(folder_ / "whole.png");
  for (std::size_t size = 0; size < bytes.size(); size += 3) {
    write_bytes(folder_ / "cut.png", bytes.substr(0, size));
    expect_error(ErrorCode::kUnreadable, {"cut.png"}, [&] { read_index(folder_ / "cut.png"); });
  }
}

TEST_F(ImageFile, DamagedPngIsRefused) {
  write_image(folder_ / "a.png", cv::Mat(8, 8, CV_8UC1, cv::Scalar(3)));
  std::string bytes = testing::read_bytes(folder_ / "a.png");
  bytes[bytes.find("IDAT") + 6] ^= 0x55;
  write_bytes(folder_ / "a.png", bytes);
  expect_error(ErrorCode::kUnreadable, {"a.png", "damaged"},
               [&] { read_index(folder_ / "a.png"); });
  expect_error(ErrorCode::kUnreadable, {"a.png"}, [&] { read_rgb(folder_ / "a.png"); });
}

TEST_F(ImageFile, HugePngIsRefusedBeforeItIsAllocated) {
  // The header of a 2^31 - 1 by 2^31 - 1 grey image with its checksum.
  const std::string bytes(
      "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\0\0\0\0\x31\xa2\x54\xba",
      33);
  write_bytes(folder_ / "huge.png", bytes);
  expect_error(ErrorCode::kUnreadable, {"huge.png"}, [&] { read_index(folder_ / "huge.png"); });
}

TEST_F(ImageFile, TruncatedJpegIsRefused) {
  cv::Mat noise(64, 64, CV_8UC3);
  cv::randu(noise, 0, 256);
  write_image(folder_ / "whole.jpg", noise);
  const std::string bytes = testing::read_bytes(folder_ / "whole.jpg");
  write_bytes(folder_ / "trailer.jpg", bytes + "and what a camera appends");
  EXPECT_NO_THROW(read_rgb(folder_ / "trailer.jpg"));
  for (const std::size_t size : {bytes.size() / 4, bytes.size() / 2, bytes.size() - 2}) {
    write_bytes(folder_ / "cut.jpg", bytes.substr(0, size));
    expect_error(ErrorCode::kUnreadable, {"cut.jpg"}, [&] { read_rgb(folder_ / "cut.jpg"); });
  }
}

TEST_F(ImageFile, SizeIsThatOfTheDecodedImage) {
  cv::Mat noise(37, 300, CV_8UC3);
  cv::randu(noise, 0, 256);
  write_image(folder_ / "a.jpg", noise);
  write_image(folder_ / "progressive.jpg", noise, {cv::IMWRITE_JPEG_PROGRESSIVE, 1});
  write_image(folder_ / "a.png", noise);
  write_image(folder_ / "a.bmp", noise);
  for (const char* name : {"a.jpg", "progressive.jpg", "a.png", "a.bmp"}) {
    EXPECT_EQ(image_size(folder_ / name), cv::Size(300, 37)) << name;
  }
  // A comment of six bytes and two fill bytes before the first segment.
  const std::string jpeg = testing::read_bytes(folder_ / "a.jpg");
  write_bytes(folder_ / "comment.jpg", jpeg.substr(0, 2) +
                                           std::string("\xff\xfe\0\x06\xff\xc0\xff\xff", 8) +
                                           "\xff\xff" + jpeg.substr(2));
  EXPECT_EQ(image_size(folder_ / "comment.jpg"), cv::Size(300, 37));
}

TEST_F(ImageFile, SizeOfADamagedFileIsAnError) {
  write_image(folder_ / "a.jpg", cv::Mat(8, 8, CV_8UC3, cv::Scalar(1, 2, 3)));
  write_image(folder_ / "a.png", cv::Mat(8, 8, CV_8UC3, cv::Scalar(1, 2, 3)));
  for (const char* name : {"a.jpg", "a.png"}) {
    const std::string bytes = testing::read_bytes(folder_ / name);
    for (const std::size_t size : {0, 1, 3, 10, 20}) {
      write_bytes(folder_ / "cut", bytes.substr(0, size));
      expect_error(ErrorCode::kUnreadable, {"cut"}, [&] { image_size(folder_ / "cut"); });
    }
  }
  expect_error(ErrorCode::kNotFound, {"none.jpg"}, [&] { image_size(folder_ / "none.jpg"); });
}

TEST_F(ImageFile, WritingLeavesOneFileOrNone) {
  write_png(folder_ / "a.png", cv::Mat(1, 1, CV_8UC1, cv::Scalar(5)));
  EXPECT_EQ(folder_.file_count(), 1);
  expect_error(ErrorCode::kUnreadable, {"missing/a.png"}, [&] {
    write_png(folder_ / "missing/a.png", cv::Mat(1, 1, CV_8UC1, cv::Scalar(5)));
  });
  std::filesystem::create_directories(folder_ / "taken.png/inside");
  expect_error(ErrorCode::kUnreadable, {"taken.png"},
               [&] { write_png(folder_ / "taken.png", cv::Mat(1, 1, CV_8UC1, cv::Scalar(5))); });
  EXPECT_EQ(folder_.file_count(), 2);
}

}  // namespace
}  // namespace cdfss
