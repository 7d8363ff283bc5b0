// What the element's tests share: support sets and models on disk, and the element in a
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

#include "bus_messages.h"
#include "cdfss/image.h"
#include "cdfss/mask.h"
#include "cdfss/segmenter.h"
#include "pictures.h"

namespace cdfss {

// A count of an element's property `stats`.
guint64 stat_of(GstElement* element, const char* field);

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

  // The element's errors and warnings since the last call.
  std::vector<BusMessage> messages() { return take_messages(bus_); }
  // Empties the bus.
  void drop_messages();
  // A count of the property `stats`.
  guint64 stat(const char* field) const { return stat_of(element(), field); }
  // Waits until a model or support set that was changed is in use, or could not be loaded: false.
  bool wait_until_loaded();
  // The next element message of that name, waited for; null when none came. Caller owns it.
  GstMessage* wait_for_element_message(const std::string& name);

 private:
  GstHarness* harness_;
  GstBus* bus_;
};

class ElementTest : public ::testing::Test {
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
