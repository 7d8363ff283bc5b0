#include "data/image_size.h"

#include <array>
#include <fstream>
#include <optional>
#include <string>

#include "data/image_file.h"

namespace cdfss {
namespace {

std::optional<int> read_byte(std::istream& stream) {
  const int byte = stream.get();
  return stream ? std::optional(byte) : std::nullopt;
}

// Two bytes, the high one first.
std::optional<int> read_short(std::istream& stream) {
  const auto high = read_byte(stream);
  const auto low = read_byte(stream);
  return high && low ? std::optional(256 * *high + *low) : std::nullopt;
}

// Steps over a JPEG's segments by their lengths up to the frame header, which has the size.
std::optional<cv::Size> jpeg_size(std::istream& stream) {
  constexpr int kMarker = 0xff;
  constexpr int kStartOfImage = 0xd8;
  if (read_byte(stream) != kMarker || read_byte(stream) != kStartOfImage) {
    return std::nullopt;
  }
  while (read_byte(stream) == kMarker) {
    std::optional<int> kind = kMarker;
    while (kind == kMarker) {  // fill bytes
      kind = read_byte(stream);
    }
    const auto length = read_short(stream);
    if (!kind || !length || *length < 2) {
      return std::nullopt;
    }
    // C4, C8 and CC are tables among the frame headers C0 to CF.
    if (*kind >= 0xc0 && *kind <= 0xcf && *kind != 0xc4 && *kind != 0xc8 && *kind != 0xcc) {
      read_byte(stream);  // bits a sample
      const auto height = read_short(stream);
      const auto width = read_short(stream);
      return width && height ? std::optional(cv::Size(*width, *height)) : std::nullopt;
    }
    stream.seekg(*length - 2, std::ios::cur);
  }
  return std::nullopt;
}

// The signature, then the header chunk: its length and type, width and height of four bytes each.
std::optional<cv::Size> png_size(std::istream& stream) {
  std::string header(16, '\0');
  stream.read(header.data(), static_cast<std::streamsize>(header.size()));
  if (!stream || !header.starts_with("\x89PNG\r\n\x1a\n") || !header.ends_with("IHDR")) {
    return std::nullopt;
  }
  std::array<std::optional<int>, 4> halves;
  for (auto& half : halves) {
    half = read_short(stream);
  }
  // Sides of 65536 or more are left to the decoder, which refuses them.
  if (halves[0] != 0 || !halves[1] || halves[2] != 0 || !halves[3]) {
    return std::nullopt;
  }
  return cv::Size(*halves[1], *halves[3]);
}

}  // namespace

cv::Size image_size(const std::filesystem::path& file) {
  for (const auto from_header : {jpeg_size, png_size}) {
    std::ifstream stream(file, std::ios::binary);
    const std::optional<cv::Size> size = from_header(stream);
    if (size && !size->empty()) {
      return *size;
    }
  }
  return read_rgb(file).size();
}

}  // namespace cdfss
