// Tiny images, masks and datasets that tests of the data library write or fake.
#pragma once

#include <png.h>

#include <cstdlib>
#include <filesystem>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"
#include "io_test_support.h"

namespace cdfss::testing {

// A one-channel mask of `width` columns, row-major.
inline cv::Mat mask_of(int width, const std::vector<std::uint8_t>& values) {
  return cv::Mat(values, true).reshape(1, static_cast<int>(values.size()) / width);
}

// Any file that OpenCV writes, in a folder that need not exist; colours in its BGR order.
inline void write_image(const std::filesystem::path& file, const cv::Mat& image,
                        const std::vector<int>& options = {}) {
  std::filesystem::create_directories(file.parent_path());
  ASSERT_TRUE(cv::imwrite(file.string(), image, options));
}

inline void write_photo(const std::filesystem::path& file, int width, int height) {
  write_image(file, cv::Mat(height, width, CV_8UC3, cv::Scalar(30, 60, 90)));
}

inline void write_text(const std::filesystem::path& file, std::string_view text) {
  std::filesystem::create_directories(file.parent_path());
  write_bytes(file, text);
}

// A real data set beside the tree; not a folder where it is not there.
inline std::filesystem::path shared_data(std::string_view name) {
  const char* shared = std::getenv("CDFSS_SHARED_DIR");
  return std::filesystem::path(shared == nullptr ? "" : shared) / "data" / name;
}

// A palette PNG of these indices; `colours` may repeat.
inline void write_palette_png(const std::filesystem::path& file, cv::Mat indices,
                              std::vector<png_color> colours) {
  std::filesystem::create_directories(file.parent_path());
  FILE* stream = std::fopen(file.c_str(), "wb");
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, stream);
  png_set_IHDR(png, info, indices.cols, indices.rows, 8, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_PLTE(png, info, colours.data(), static_cast<int>(colours.size()));
  png_write_info(png, info);
  for (int y = 0; y < indices.rows; ++y) png_write_row(png, indices.ptr(y));
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  std::fclose(stream);
}

// `classes_in` by image; every image is 4 x 2.
class FakeDataset : public Dataset {
 public:
  FakeDataset(std::vector<std::string> classes, std::vector<std::vector<int>> classes_in,
              std::string prefix = "image")
      : classes_(std::move(classes)),
        classes_in_(std::move(classes_in)),
        prefix_(std::move(prefix)) {}

  int size() const override { return static_cast<int>(classes_in_.size()); }
  std::string name(int index) const override { return prefix_ + std::to_string(index); }
  const std::vector<std::string>& classes() const override { return classes_; }
  const std::vector<int>& classes_in(int index) const override { return classes_in_[index]; }
  cv::Mat image(int index) const override {
    return cv::Mat(2, index == wrong_size_ ? 5 : 4, CV_8UC3, cv::Scalar::all(index));
  }
  // The class id's pixel in the first row is 1, the last of the second row is ignored.
  cv::Mat label(int, int class_id) const override {
    cv::Mat label = cv::Mat::zeros(2, 4, CV_8UC1);
    label.at<std::uint8_t>(0, class_id) = 1;
    label.at<std::uint8_t>(1, 3) = 255;
    return label;
  }

  int wrong_size_ = -1;  // the image that does not fit its label

 private:
  std::vector<std::string> classes_;
  std::vector<std::vector<int>> classes_in_;
  std::string prefix_;
};

inline bool same(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() && cv::norm(a, b, cv::NORM_INF) == 0;
}

}  // namespace cdfss::testing
