// What the element's tests share: pictures, support sets and models on disk, and the element in a
// harness.
#pragma once

#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cdfss/image.h"
#include "cdfss/mask.h"
#include "cdfss/segmenter.h"

namespace cdfss {

inline const std::vector<std::string> kPackedFormats{"RGB", "BGR", "RGBx", "BGRx", "RGBA", "BGRA"};

// Bytes that no picture's pixel is made of: row padding and fourth bytes.
inline constexpr std::uint8_t kFiller = 0xA5;

// A picture with gradients and shapes; `phase` moves them.
Image make_picture(int width, int height, int phase = 0);

std::string caps_text(const std::string& format, int width, int height);

// The picture as a buffer in that format; with `padding` bytes more a row it carries a GstVideoMeta
// with an offset of 8 bytes.
GstBuffer* make_buffer(const Image& picture, const std::string& format, int padding = 0);

// The colours of a buffer in a packed format, or its bytes in GRAY8 (one a pixel); checks that
// padding and fourth bytes are kFiller if `filled`.
std::vector<std::uint8_t> read_buffer(GstBuffer* buffer, const std::string& format, int width,
                                      int height, bool filled = false);

// The element in a harness, with a bus for its messages.
class Harness {
 public:
  // `properties` as in gst-launch; starts the element.
  explicit Harness(const std::string& properties, const std::string& output_caps = "");
  ~Harness();
  Harness(const Harness&) = delete;

  void set_input(const std::string& format, int width, int height) {
    gst_harness_set_src_caps_str(get(), caps_text(format, width, height).c_str());
  }
  // Pushes a frame and returns what came out; null when nothing did.
  GstBuffer* process(GstBuffer* buffer);
  // The same for a picture in RGB.
  std::vector<std::uint8_t> process(const Image& picture, const std::string& output_format);
  std::string output_format() const;

  GstHarness* get() const { return harness_; }
  GstElement* element() const { return harness_->element; }

  struct Message {
    GstMessageType type;
    GQuark domain;
    int code;
    std::string text;
  };
  // The element's errors and warnings since the last call.
  std::vector<Message> messages();

 private:
  GstHarness* harness_;
  GstBus* bus_;
};

class ElementTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Writes a support set with the classes "left" and "top" (half of the picture each), the pictures
  // chosen by `phase`; returns its folder.
  std::string make_support(const std::string& name, int phase = 0);
  // Properties for the test model and a support set, with a threshold that divides the masks.
  std::string properties(const std::string& more = "");

  // A segmenter set up as the element with properties() is.
  Segmenter& reference();

  std::filesystem::path folder_;     // removed at the end
  std::string model_, other_model_;  // of the same layout, other weights
  std::string support_;              // make_support("support")
  float threshold_ = 0;              // the median probability of a picture

 private:
  std::unique_ptr<Segmenter> reference_;
};

}  // namespace cdfss
