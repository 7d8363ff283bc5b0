// What the tests of cdfss-eval share: how it is run, what it must say, small trees to run it on.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "process.h"

namespace cdfss::testing {

inline const std::string kEval = "trainer/cdfss-eval";

// ResNet-50 with random weights and an input size of 41.
inline std::string model() { return std::getenv("CDFSS_TEST_MODEL"); }

inline ProcessResult eval(std::vector<std::string> arguments) { return run(kEval, arguments); }

inline void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "\"" << part << "\" is not in:\n" << text;
}

// It must end so, with one complaint that holds every part.
inline void expect_failure(const ProcessResult& result, int exit_code,
                           std::initializer_list<std::string> parts) {
  EXPECT_EQ(result.exit_code, exit_code) << result.errors;
  EXPECT_EQ(result.output, "");
  EXPECT_TRUE(result.errors.starts_with("cdfss-eval: ")) << result.errors;
  for (const std::string& part : parts) expect_part(result.errors, part);
}

inline void expect_keys(const nlohmann::json& report, std::initializer_list<const char*> keys) {
  for (const char* key : keys) EXPECT_TRUE(report.contains(key)) << key << " in " << report.dump(2);
}

// The report on standard output of a call that must succeed.
inline nlohmann::json json_of(const ProcessResult& result) {
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  return nlohmann::json::parse(result.output, nullptr, false);
}

// The test model with this entry in its metadata.
inline void write_model_trained_on(const std::filesystem::path& file, const std::string& source) {
  const std::string bytes = read_bytes(model());
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  nlohmann::json header = nlohmann::json::parse(bytes.substr(sizeof length, length));
  header["__metadata__"]["training_source"] = source;
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t new_length = text.size();
  write_bytes(file, std::string(reinterpret_cast<const char*>(&new_length), sizeof new_length) +
                        text + bytes.substr(sizeof length + length));
}

inline constexpr int kBoxImage = 80;  // side in pixels
inline constexpr int kBox = 60;       // side of the object: enough of it (3600 of 6400 pixels)
inline constexpr double kBoxShare = 3600.0 / 6400;

// A square object of that colour; `index` moves it.
inline cv::Mat box_image(int index, const cv::Scalar& object, const cv::Scalar& ground) {
  cv::Mat image(kBoxImage, kBoxImage, CV_8UC3, ground);
  image(cv::Rect(2 * (index % 8), 10, kBox, kBox)).setTo(object);
  return image;
}

// ROOT/VOCdevkit/VOC2012 with `images` pictures of each of one class a fold of coco-pascal:
// aeroplane, bicycle, bird, bottle.
inline void write_voc(const std::filesystem::path& data_root, int images) {
  const auto root = data_root / "VOCdevkit" / "VOC2012";
  for (const char* folder : {"JPEGImages", "SegmentationClass", "ImageSets/Segmentation"}) {
    std::filesystem::create_directories(root / folder);
  }
  std::string list;
  for (const int mask_value : {1, 2, 3, 5}) {
    for (int i = 0; i < images; ++i) {
      const std::string id = std::to_string(mask_value) + "_" + std::to_string(i);
      const cv::Mat image =
          box_image(i, cv::Scalar(20 * mask_value, 30, 220), cv::Scalar(90, 60 + i, 40));
      cv::Mat mask = cv::Mat::zeros(kBoxImage, kBoxImage, CV_8UC1);
      mask(cv::Rect(2 * (i % 8), 10, kBox, kBox)).setTo(mask_value);
      cv::imwrite((root / "JPEGImages" / (id + ".jpg")).string(), image);
      cv::imwrite((root / "SegmentationClass" / (id + ".png")).string(), mask);
      list += id + "\n";
    }
  }
  write_bytes(root / "ImageSets" / "Segmentation" / "val.txt", list);
}

// ROOT/SUIM with two pictures in train_val and two in TEST of each of FV (yellow) and HD (blue) in
// open water (black).
inline void write_suim(const std::filesystem::path& data_root) {
  const cv::Scalar kFish(0, 255, 255), kDiver(255, 0, 0);  // BGR
  for (const char* part : {"train_val", "TEST"}) {
    const auto root = data_root / "SUIM" / part;
    std::filesystem::create_directories(root / "images");
    std::filesystem::create_directories(root / "masks");
    for (int i = 0; i < 4; ++i) {
      const std::string name = std::string(part) + std::to_string(i);
      cv::imwrite((root / "images" / (name + ".jpg")).string(),
                  box_image(i, cv::Scalar(20, 200, 60 * i), cv::Scalar(120, 60, 20)));
      cv::imwrite((root / "masks" / (name + ".bmp")).string(),
                  box_image(i, i < 2 ? kFish : kDiver, cv::Scalar(0, 0, 0)));
    }
  }
}

// ROOT/fss-1000 with 1000 classes of two pictures of 16 x 16, a quarter of each the object. Class
// 300 in sorted order, so of fold 1, is "bird"; the others are a000 ... a299, c301 ... c999.
inline void write_fss(const std::filesystem::path& data_root) {
  cv::Mat image(16, 16, CV_8UC3, cv::Scalar(90, 60, 40));
  cv::Mat mask = cv::Mat::zeros(16, 16, CV_8UC3);
  const cv::Rect object(4, 4, 8, 8);
  image(object).setTo(cv::Scalar(20, 30, 220));
  mask(object).setTo(cv::Scalar::all(255));
  std::vector<std::uint8_t> jpeg, png;
  cv::imencode(".jpg", image, jpeg);
  cv::imencode(".png", mask, png);
  for (int i = 0; i < 1000; ++i) {
    const std::string number = std::to_string(1000 + i).substr(1);
    const std::string name = i == 300 ? "bird" : (i < 300 ? "a" : "c") + number;
    const auto folder = data_root / "fss-1000" / name;
    std::filesystem::create_directories(folder);
    for (const char* stem : {"1", "2"}) {
      write_bytes(folder / (std::string(stem) + ".jpg"), std::string(jpeg.begin(), jpeg.end()));
      write_bytes(folder / (std::string(stem) + ".png"), std::string(png.begin(), png.end()));
    }
  }
}

}  // namespace cdfss::testing
