#include "element_test.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <utility>

#include "cdfss_segmentation_meta.h"
#include "launch.h"

namespace cdfss {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) ADD_FAILURE() << "set " << name << ", or run with meson test";
  return value == nullptr ? "" : value;
}

}  // namespace

guint64 stat_of(GstElement* element, const char* field) {
  GstStructure* stats = nullptr;
  g_object_get(element, "stats", &stats, nullptr);
  guint64 value = 0;
  EXPECT_TRUE(gst_structure_get_uint64(stats, field, &value)) << field;
  gst_structure_free(stats);
  return value;
}

Harness::Harness(const std::string& properties, const std::string& output_caps)
    : bus_(gst_bus_new()) {
  GstElement* element = launch("cdfssseg " + properties);
  gst_element_set_bus(element, bus_);
  harness_ = gst_harness_new_with_element(element, "sink", "src");
  gst_object_unref(element);
  if (!output_caps.empty()) gst_harness_set_sink_caps_str(harness_, output_caps.c_str());
}

Harness::~Harness() {
  gst_harness_teardown(harness_);
  gst_bus_set_flushing(bus_, TRUE);  // messages hold the element, which holds the bus
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

bool Harness::wait_until_loaded() {
  const auto types = static_cast<GstMessageType>(GST_MESSAGE_ELEMENT | GST_MESSAGE_WARNING);
  while (GstMessage* message = gst_bus_timed_pop_filtered(bus_, kPatience, types)) {
    const bool warning = GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING;
    const bool loaded = !warning && gst_message_has_name(message, GST_CDFSS_LOADED_MESSAGE_NAME);
    if (warning) gst_bus_post(bus_, gst_message_ref(message));  // for messages()
    gst_message_unref(message);
    if (warning || loaded) return loaded;
  }
  ADD_FAILURE() << "nothing was loaded";
  return false;
}

GstMessage* Harness::wait_for_element_message(const std::string& name) {
  while (GstMessage* message = gst_bus_timed_pop_filtered(bus_, kPatience, GST_MESSAGE_ELEMENT)) {
    if (gst_message_has_name(message, name.c_str())) return message;
    gst_message_unref(message);
  }
  return nullptr;
}

void Harness::drop_messages() {
  while (GstMessage* message = gst_bus_pop(bus_)) gst_message_unref(message);
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
