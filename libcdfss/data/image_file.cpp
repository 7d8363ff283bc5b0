#include "data/image_file.h"

#include <cstring>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "cdfss/error.h"
#include "data/file_bytes.h"
#include "data/jpeg_end.h"
#include "data/png_index.h"

namespace cdfss {
namespace {

// Decodes with OpenCV, whose own failures are an empty matrix or a cv::Exception.
cv::Mat decode(const std::vector<std::uint8_t>& bytes, int flags, const std::string& name) {
  cv::Mat image;
  std::string reason = "it is not an image of a known format, or damaged";
  if (!bytes.empty()) {
    try {
      image = cv::imdecode(bytes, flags | cv::IMREAD_IGNORE_ORIENTATION);
    } catch (const cv::Exception& exception) {
      reason = exception.err;
    }
  }
  if (image.empty()) {
    throw Error(ErrorCode::kUnreadable, name + " cannot be decoded: " + reason);
  }
  return image;
}

}  // namespace

cv::Mat read_rgb(const std::filesystem::path& file) {
  const std::vector<std::uint8_t> bytes = read_bytes(file);
  if (is_truncated_jpeg(bytes)) {
    throw Error(ErrorCode::kUnreadable, file.string() + " is a JPEG that ends too early");
  }
  cv::Mat image = decode(bytes, cv::IMREAD_COLOR, file.string());
  cv::cvtColor(image, image, cv::COLOR_BGR2RGB);
  return image;
}

cv::Mat read_index(const std::filesystem::path& file) {
  const std::vector<std::uint8_t> bytes = read_bytes(file);
  if (is_png(bytes)) {
    return decode_png_index(bytes, file.string());
  }
  cv::Mat image = decode(bytes, cv::IMREAD_UNCHANGED, file.string());
  if (image.type() != CV_8UC1) {
    throw Error(ErrorCode::kInvalidValue, file.string() + " has " +
                                              std::to_string(image.channels()) + " channels of " +
                                              std::to_string(8 * image.elemSize1()) +
                                              " bits, expected a mask: one channel of 8 bits");
  }
  return image;
}

Image to_image(const cv::Mat& rgb) {
  CV_Assert(rgb.type() == CV_8UC3);
  Image image{.width = rgb.cols, .height = rgb.rows, .pixels = {}};
  const std::size_t row = std::size_t{3} * rgb.cols;
  image.pixels.resize(row * rgb.rows);
  for (int y = 0; y < rgb.rows; ++y) {
    std::memcpy(image.pixels.data() + y * row, rgb.ptr(y), row);
  }
  return image;
}

cv::Mat to_mat(const Image& image) {
  cv::Mat rgb(image.height, image.width, CV_8UC3);
  std::memcpy(rgb.data, image.pixels.data(), image.pixels.size());
  return rgb;
}

void write_png(const std::filesystem::path& file, const cv::Mat& image) {
  cv::Mat stored;
  if (image.channels() == 3) {
    cv::cvtColor(image, stored, cv::COLOR_RGB2BGR);
  } else {
    stored = image;
  }
  std::vector<std::uint8_t> bytes;
  if (!cv::imencode(".png", stored, bytes)) {
    throw Error(ErrorCode::kUnreadable, file.string() + " cannot be encoded as PNG");
  }
  write_bytes(file, bytes);
}

}  // namespace cdfss
