#include "data/jpeg_end.h"

#include <algorithm>
#include <array>

namespace cdfss {
namespace {

constexpr std::uint8_t kMarker = 0xff;
constexpr std::uint8_t kStartOfImage = 0xd8;
constexpr std::uint8_t kEndOfImage = 0xd9;
constexpr std::uint8_t kStartOfScan = 0xda;

}  // namespace

bool is_truncated_jpeg(const std::vector<std::uint8_t>& bytes) {
  if (bytes.size() < 3 || bytes[0] != kMarker || bytes[1] != kStartOfImage || bytes[2] != kMarker) {
    return false;
  }
  // Segments before the first scan are stepped over by their lengths: a thumbnail in one of them
  // has an end marker of its own.
  std::size_t position = 2;
  while (position + 4 <= bytes.size() && bytes[position + 1] != kStartOfScan) {
    const bool is_fill = bytes[position + 1] == kMarker;
    position += is_fill ? 1 : 2 + 256 * bytes[position + 2] + bytes[position + 3];
  }
  if (position >= bytes.size()) {
    return true;
  }
  // Within a scan, a marker byte that is data is followed by a zero.
  constexpr std::array<std::uint8_t, 2> kEnd{kMarker, kEndOfImage};
  const auto scan = bytes.begin() + static_cast<std::ptrdiff_t>(position);
  return std::search(scan, bytes.end(), kEnd.begin(), kEnd.end()) == bytes.end();
}

}  // namespace cdfss
