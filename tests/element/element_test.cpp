#include "element_test.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <stdexcept>
#include <utility>

namespace cdfss {
namespace {

struct Layout {
  int bytes;
  bool blue_first;
};

Layout layout_of(const std::string& format) {
  if (format == "GRAY8") return {1, false};
  return {static_cast<int>(format.size()), format[0] == 'B'};
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) ADD_FAILURE() << "set " << name << ", or run with meson test";
  return value == nullptr ? "" : value;
}

}  // namespace

Image make_picture(int width, int height, int phase) {
  Image picture{width, height, std::vector<std::uint8_t>(std::size_t(3) * width * height)};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int u = 256 * x / width, v = 256 * y / height;
      const bool disc = std::hypot(u - 90 - 10 * phase, v - 120) < 60;
      std::uint8_t* pixel = &picture.pixels[3 * (std::size_t(y) * width + x)];
      pixel[0] = static_cast<std::uint8_t>(disc ? 240 : u / 2);
      pixel[1] = static_cast<std::uint8_t>(disc ? 30 + phase : v);
      pixel[2] = static_cast<std::uint8_t>((u * v / 64 + 40 * phase) % 256);
    }
  }
  return picture;
}

std::string caps_text(const std::string& format, int width, int height) {
  return "video/x-raw, format=" + format + ", width=" + std::to_string(width) +
         ", height=" + std::to_string(height) + ", framerate=25/1";
}

GstBuffer* make_buffer(const Image& picture, const std::string& format, int padding) {
  const Layout layout = layout_of(format);
  const GstVideoFormat name = gst_video_format_from_string(format.c_str());
  GstVideoInfo info;
  gst_video_info_set_format(&info, name, picture.width, picture.height);
  const int stride = GST_VIDEO_INFO_PLANE_STRIDE(&info, 0) + padding;
  const gsize offset = padding == 0 ? 0 : 8;
  std::vector<std::uint8_t> bytes(offset + std::size_t(stride) * picture.height, kFiller);
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        bytes[offset + std::size_t(y) * stride + x * layout.bytes +
              (layout.blue_first ? 2 - c : c)] =
            picture.pixels[3 * (std::size_t(y) * picture.width + x) + c];
      }
    }
  }
  GstBuffer* buffer = gst_buffer_new_memdup(bytes.data(), bytes.size());
  if (padding != 0) {
    gsize offsets[GST_VIDEO_MAX_PLANES] = {offset};
    gint strides[GST_VIDEO_MAX_PLANES] = {stride};
    gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, name, picture.width,
                                   picture.height, 1, offsets, strides);
  }
  return buffer;
}

std::vector<std::uint8_t> read_buffer(GstBuffer* buffer, const std::string& format, int width,
                                      int height, bool filled) {
  const Layout layout = layout_of(format);
  const int channels = std::min(layout.bytes, 3);
  GstVideoInfo info;
  gst_video_info_set_format(&info, gst_video_format_from_string(format.c_str()), width, height);
  GstVideoFrame frame;
  if (!gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ)) {
    ADD_FAILURE() << "cannot map a " << format << " frame";
    return {};
  }
  std::vector<std::uint8_t> result;
  bool kept = true;
  const int stride = GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0);
  for (int y = 0; y < height; ++y) {
    const auto* row = static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0)) +
                      std::ptrdiff_t{y} * stride;
    for (int x = 0; x < width; ++x) {
      const std::uint8_t* pixel = row + x * layout.bytes;
      for (int c = 0; c < channels; ++c) result.push_back(pixel[layout.blue_first ? 2 - c : c]);
      if (layout.bytes == 4) kept = kept && pixel[3] == kFiller;
    }
    // The last row of a buffer need not be padded.
    for (int i = width * layout.bytes; i < stride && y + 1 < height; ++i) {
      kept = kept && row[i] == kFiller;
    }
  }
  gst_video_frame_unmap(&frame);
  EXPECT_TRUE(kept || !filled) << "padding or a fourth byte of " << format << " was written";
  return result;
}

Harness::Harness(const std::string& properties, const std::string& output_caps)
    : bus_(gst_bus_new()) {
  GError* error = nullptr;
  GstElement* element = gst_parse_launch_full(("cdfssseg " + properties).c_str(), nullptr,
                                              GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (element == nullptr) throw std::runtime_error(error->message);
  gst_object_ref_sink(element);
  gst_element_set_bus(element, bus_);
  harness_ = gst_harness_new_with_element(element, "sink", "src");
  gst_object_unref(element);
  if (!output_caps.empty()) gst_harness_set_sink_caps_str(harness_, output_caps.c_str());
}

Harness::~Harness() {
  gst_harness_teardown(harness_);
  gst_object_unref(bus_);
}

GstBuffer* Harness::process(GstBuffer* buffer) {
  gst_harness_push(harness_, buffer);
  return gst_harness_try_pull(harness_);
}

std::vector<std::uint8_t> Harness::process(const Image& picture, const std::string& format) {
  GstBuffer* buffer = process(make_buffer(picture, "RGB"));
  if (buffer == nullptr) {
    ADD_FAILURE() << "no frame came out";
    return {};
  }
  EXPECT_EQ(output_format(), format);
  auto result = read_buffer(buffer, format, picture.width, picture.height);
  gst_buffer_unref(buffer);
  return result;
}

std::string Harness::output_format() const {
  GstCaps* caps = gst_pad_get_current_caps(harness_->sinkpad);
  if (caps == nullptr) return "";
  const std::string format = gst_structure_get_string(gst_caps_get_structure(caps, 0), "format");
  gst_caps_unref(caps);
  return format;
}

std::vector<Harness::Message> Harness::messages() {
  std::vector<Message> result;
  const auto types = static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
  while (GstMessage* message = gst_bus_pop_filtered(bus_, types)) {
    GError* error = nullptr;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
      gst_message_parse_error(message, &error, nullptr);
    } else {
      gst_message_parse_warning(message, &error, nullptr);
    }
    result.push_back({GST_MESSAGE_TYPE(message), error->domain, error->code, error->message});
    g_error_free(error);
    gst_message_unref(message);
  }
  return result;
}

void ElementTest::SetUp() {
  model_ = environment("CDFSS_TEST_MODEL");
  other_model_ = environment("CDFSS_TEST_MODEL_2");
  std::string pattern = testing::TempDir() + "cdfssseg-XXXXXX";
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  folder_ = pattern;
  support_ = make_support("support");
  reference_ = std::make_unique<Segmenter>(model_);
  reference_->set_support(SupportSet::load(support_));
  // Random weights put all probabilities close together; their median divides any picture.
  Mask mask = reference_->segment(make_picture(64, 48).view(), true);
  auto& values = mask.probabilities;
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  threshold_ = values[values.size() / 2];
  reference_->set_threshold(threshold_);
}

void ElementTest::TearDown() { std::filesystem::remove_all(folder_); }

std::string ElementTest::make_support(const std::string& name, int phase) {
  const std::filesystem::path folder = folder_ / name;
  Image picture = make_picture(96, 80, phase);
  cv::Mat pixels(picture.height, picture.width, CV_8UC3, picture.pixels.data());
  cv::Mat left = cv::Mat::zeros(pixels.size(), CV_8UC1), top = left.clone();
  left.colRange(0, left.cols / 2) = 255;
  top.rowRange(0, top.rows / 2) = 255;
  for (const auto& [label, mask] : {std::pair{"left", left}, {"top", top}}) {
    std::filesystem::create_directories(folder / label);
    cv::imwrite((folder / label / "01.jpg").string(), pixels);
    cv::imwrite((folder / label / "01.png").string(), mask);
  }
  return folder.string();
}

std::string ElementTest::properties(const std::string& more) {
  char threshold[32];
  std::snprintf(threshold, sizeof threshold, "%.9g", threshold_);
  return "model=\"" + model_ + "\" support=\"" + support_ + "\" threshold=" + threshold + " " +
         more;
}

Segmenter& ElementTest::reference() { return *reference_; }

}  // namespace cdfss
