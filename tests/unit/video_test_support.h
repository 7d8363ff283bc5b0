// A small DAVIS-style folder: a square that moves over a textured ground.
#pragma once

#include <cstdio>
#include <filesystem>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>

namespace cdfss::testing {

inline std::string frame_name(int index, const char* extension) {
  char name[32];
  std::snprintf(name, sizeof name, "%05d%s", index, extension);
  return name;
}

inline constexpr int kVideoWidth = 96;
inline constexpr int kVideoHeight = 64;

// Where the square is in frame `index`.
inline cv::Rect square_at(int index) { return {8 + 4 * index, 16, 32, 32}; }

inline cv::Mat square_mask(int index, int value) {
  cv::Mat mask = cv::Mat::zeros(kVideoHeight, kVideoWidth, CV_8UC1);
  mask(square_at(index) & cv::Rect(0, 0, kVideoWidth, kVideoHeight)).setTo(value);
  return mask;
}

// Writes ROOT/JPEGImages/480p/NAME/*.jpg and ROOT/Annotations/480p/NAME/*.png.
inline void write_square_video(const std::filesystem::path& root, const std::string& name,
                               int frames, int value = 255) {
  const auto images = root / "JPEGImages" / "480p" / name;
  const auto masks = root / "Annotations" / "480p" / name;
  std::filesystem::create_directories(images);
  std::filesystem::create_directories(masks);
  for (int i = 0; i < frames; ++i) {
    cv::Mat image(kVideoHeight, kVideoWidth, CV_8UC3, cv::Scalar(40, 90, 60));
    for (int x = 0; x < kVideoWidth; x += 8) {
      cv::line(image, {x, 0}, {x, kVideoHeight}, cv::Scalar(60, 120, 80), 2);
    }
    cv::rectangle(image, square_at(i), cv::Scalar(30, 40, 220), cv::FILLED);
    cv::imwrite((images / frame_name(i, ".jpg")).string(), image);
    cv::imwrite((masks / frame_name(i, ".png")).string(), square_mask(i, value));
  }
}

}  // namespace cdfss::testing
