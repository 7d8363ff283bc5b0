#include "bench_options.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "cdfss/error.h"

namespace cdfss::bench {
namespace {

template <typename Value>
Value look_up(const std::map<std::string, Value>& known, const std::string& name,
              const char* what) {
  const auto found = known.find(name);
  if (found != known.end()) return found->second;
  std::string names;
  for (const auto& [key, value] : known) names += (names.empty() ? "" : ", ") + key;
  throw Error(ErrorCode::kInvalidValue,
              std::string(what) + " \"" + name + "\": expected one of " + names);
}

// 0 to 255, varying over some dozens of pixels.
std::uint8_t value_at(int x, int y, int channel, int seed) {
  const double wave =
      std::sin(0.021 * x + 0.7 * seed + channel) * std::cos(0.017 * y - 1.3 * seed) +
      0.5 * std::sin(0.11 * (x + y) + seed * channel);
  return static_cast<std::uint8_t>(std::clamp(128.0 + 70.0 * wave, 0.0, 255.0));
}

SupportShot made_shot(int seed) {
  constexpr int kWidth = 640, kHeight = 480;
  Frame frame = made_frame(kWidth, kHeight, PixelFormat::kRgb, seed);
  SupportShot shot{.image = {}, .mask = {}, .source = "shot " + std::to_string(seed)};
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      shot.mask.push_back(std::hypot(x - 300 - 3 * seed, y - 240) < 120 ? kMaskObject
                                                                        : kMaskBackground);
    }
  }
  shot.image = std::make_shared<const Image>(
      Image{.width = kWidth, .height = kHeight, .pixels = std::move(frame.bytes)});
  return shot;
}

}  // namespace

SegmenterOptions Options::segmenter() const {
  static const std::map<std::string, Precision> kPrecisions{{"auto", Precision::kAuto},
                                                            {"fp32", Precision::kFp32},
                                                            {"bf16", Precision::kBf16},
                                                            {"fp16", Precision::kFp16},
                                                            {"int8", Precision::kInt8}};
  return {.device = device,
          .precision = look_up(kPrecisions, precision, "precision"),
          .input_size = input_size,
          .threshold = -1.0F,
          .use_model_enhancement = true,
          .target_enhancement = TargetEnhancement::kNone,
          .threads = threads};
}

PixelFormat Options::pixel_format() const {
  static const std::map<std::string, PixelFormat> kFormats{
      {"rgb", PixelFormat::kRgb},   {"bgr", PixelFormat::kBgr},   {"rgbx", PixelFormat::kRgbx},
      {"bgrx", PixelFormat::kBgrx}, {"rgba", PixelFormat::kRgba}, {"bgra", PixelFormat::kBgra},
      {"nv12", PixelFormat::kNv12}, {"i420", PixelFormat::kI420}};
  return look_up(kFormats, format, "format");
}

Frame made_frame(int width, int height, PixelFormat format, int seed) {
  Frame frame;
  const int chroma_width = (width + 1) / 2, chroma_height = (height + 1) / 2;
  const auto add_plane = [&](int columns, int rows, int channels) {
    for (int y = 0; y < rows; ++y) {
      for (int x = 0; x < columns; ++x) {
        for (int c = 0; c < channels; ++c) frame.bytes.push_back(value_at(x, y, c, seed));
      }
    }
  };
  std::vector<std::size_t> starts{0};
  frame.view = {.format = format, .width = width, .height = height};
  if (const int bytes = bytes_per_pixel(format); bytes > 0) {
    add_plane(width, height, bytes);
    frame.view.strides = {std::ptrdiff_t{bytes} * width, 0, 0};
  } else if (format == PixelFormat::kNv12) {
    add_plane(width, height, 1);
    starts.push_back(frame.bytes.size());
    add_plane(chroma_width, chroma_height, 2);
    frame.view.strides = {width, 2 * chroma_width, 0};
  } else {
    add_plane(width, height, 1);
    for (int i = 0; i < 2; ++i) {
      starts.push_back(frame.bytes.size());
      add_plane(chroma_width, chroma_height, 1);
    }
    frame.view.strides = {width, chroma_width, chroma_width};
  }
  for (std::size_t i = 0; i < starts.size(); ++i) {
    frame.view.planes[i] = frame.bytes.data() + starts[i];
  }
  return frame;
}

SupportSet support_of(const Options& options) {
  if (!options.support.empty()) return SupportSet::load(options.support);
  SupportSet support;
  for (int i = 0; i < options.classes; ++i) {
    for (int shot = 0; shot < options.shots; ++shot) {
      support.add("class " + std::to_string(i + 1), made_shot(i * options.shots + shot));
    }
  }
  return support;
}

}  // namespace cdfss::bench
