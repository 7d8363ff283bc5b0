// A running element: properties that change, states, flushes and the end of the stream.
#include "element_test.h"
#include "overlay_reference.h"

namespace cdfss {
namespace {

class Live : public ElementTest {
 protected:
  Mask reference_with(const std::string& model, const std::string& support) {
    Segmenter segmenter(model, {.threshold = threshold_});
    segmenter.set_support(SupportSet::load(support));
    return segmenter.segment(picture_.view());
  }
  // Exactly this warning, and no error.
  void expect_warning(Harness& harness, GQuark domain, int code, const std::string& word) {
    const auto messages = harness.messages();
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_EQ(messages[0].type, GST_MESSAGE_WARNING);
    EXPECT_EQ(messages[0].domain, domain);
    EXPECT_EQ(messages[0].code, code);
    EXPECT_NE(messages[0].text.find(word), std::string::npos) << messages[0].text;
  }

  const Image picture_ = make_picture(64, 48);
};

TEST_F(Live, ANewSupportSetCountsFromTheNextFrame) {
  const std::string other = make_support("other", 7);
  const Mask before = reference_with(model_, support_), after = reference_with(model_, other);
  ASSERT_NE(before.classes, after.classes);
  Harness harness(properties("output=mask"));
  harness.set_input("RGB", 64, 48);
  EXPECT_EQ(harness.process(picture_, "GRAY8"), before.classes);
  g_object_set(harness.element(), "support", other.c_str(), nullptr);
  EXPECT_TRUE(harness.wait_until_loaded());
  EXPECT_EQ(harness.process(picture_, "GRAY8"), after.classes);
  EXPECT_TRUE(harness.messages().empty());
}

TEST_F(Live, ABadSupportSetIsAWarningAndTheOldOneStays) {
  const Mask before = reference_with(model_, support_);
  Harness harness(properties("output=mask"));
  harness.set_input("RGB", 64, 48);
  g_object_set(harness.element(), "support", "/nowhere/fish", nullptr);
  EXPECT_FALSE(harness.wait_until_loaded());
  EXPECT_EQ(harness.process(picture_, "GRAY8"), before.classes);
  expect_warning(harness, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "/nowhere/fish");
  EXPECT_EQ(harness.process(picture_, "GRAY8"), before.classes);
  EXPECT_TRUE(harness.messages().empty()) << "the same warning again";
  g_object_set(harness.element(), "support", "", nullptr);
  EXPECT_FALSE(harness.wait_until_loaded());
  EXPECT_EQ(harness.process(picture_, "GRAY8"), before.classes);
  expect_warning(harness, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "support");
}

TEST_F(Live, ANewModelCountsFromTheNextFrame) {
  const Mask before = reference_with(model_, support_),
             after = reference_with(other_model_, support_);
  ASSERT_NE(before.classes, after.classes);
  Harness harness(properties("output=mask"));
  harness.set_input("RGB", 64, 48);
  EXPECT_EQ(harness.process(picture_, "GRAY8"), before.classes);
  g_object_set(harness.element(), "model", other_model_.c_str(), nullptr);
  EXPECT_TRUE(harness.wait_until_loaded());
  EXPECT_EQ(harness.process(picture_, "GRAY8"), after.classes);
  EXPECT_TRUE(harness.messages().empty());
}

TEST_F(Live, ABadModelOrOptionIsAWarningAndTheOldOneStays) {
  const Mask before = reference_with(model_, support_);
  Harness harness(properties("output=mask"));
  harness.set_input("RGB", 64, 48);
  g_object_set(harness.element(), "model", "/nowhere/net", nullptr);
  EXPECT_FALSE(harness.wait_until_loaded());
  EXPECT_EQ(harness.process(picture_, "GRAY8"), before.classes);
  expect_warning(harness, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "/nowhere/net");
  g_object_set(harness.element(), "model", model_.c_str(), nullptr);
  EXPECT_TRUE(harness.wait_until_loaded());
  g_object_set(harness.element(), "input-size", 100, nullptr);
  EXPECT_FALSE(harness.wait_until_loaded());
  EXPECT_EQ(harness.process(picture_, "GRAY8"), before.classes);
  expect_warning(harness, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "100");
}

// What is wrong with one property does not undo another.
TEST_F(Live, AThresholdCountsBesideABadModel) {
  Harness harness(properties("output=mask"));
  harness.set_input("RGB", 64, 48);
  g_object_set(harness.element(), "model", "/nowhere/net", "threshold", 1.0F, nullptr);
  EXPECT_FALSE(harness.wait_until_loaded());
  EXPECT_EQ(harness.process(picture_, "GRAY8"), std::vector<std::uint8_t>(64 * 48, 0));
  expect_warning(harness, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "/nowhere/net");
}

TEST_F(Live, ThresholdClassesAndAlphaChange) {
  Harness harness(properties("output=mask"));
  harness.set_input("RGB", 64, 48);
  g_object_set(harness.element(), "threshold", 0.0F, "classes", "top", nullptr);
  EXPECT_TRUE(harness.wait_until_loaded());
  EXPECT_EQ(harness.process(picture_, "GRAY8"), std::vector<std::uint8_t>(64 * 48, 1));

  reference().set_threshold(reference().model_info().threshold);
  g_object_set(harness.element(), "threshold", -1.0F, "classes", "", nullptr);
  EXPECT_TRUE(harness.wait_until_loaded());
  EXPECT_EQ(harness.process(picture_, "GRAY8"), reference().segment(picture_.view()).classes);

  reference().set_threshold(0);
  const Mask all = reference().segment(picture_.view());
  g_object_set(harness.element(), "threshold", 0.0F, "alpha", 0.125, "output", 0, nullptr);
  EXPECT_EQ(harness.process(picture_, "RGB"), reference_overlay(all, picture_, 0.125).pixels);
  EXPECT_TRUE(harness.messages().empty());
}

TEST_F(Live, SurvivesStateCyclesAndFlushes) {
  const Mask expected = reference_with(model_, support_);
  Harness harness(properties("output=mask"));
  for (int round = 0; round < 6; ++round) {
    harness.set_input("RGB", 64, 48);
    EXPECT_EQ(harness.process(picture_, "GRAY8"), expected.classes) << "round " << round;
    gst_harness_push_event(harness.get(), gst_event_new_flush_start());
    gst_harness_push_event(harness.get(), gst_event_new_flush_stop(TRUE));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_harness_push_event(harness.get(), gst_event_new_segment(&segment));
    EXPECT_EQ(harness.process(picture_, "GRAY8"), expected.classes) << "after a flush";
    gst_element_set_state(harness.element(), round % 2 == 0 ? GST_STATE_NULL : GST_STATE_READY);
    ASSERT_EQ(gst_element_set_state(harness.element(), GST_STATE_PLAYING),
              GST_STATE_CHANGE_SUCCESS);
    gst_harness_set_src_caps_str(harness.get(), "video/x-raw");  // forces the next caps to be sent
  }
  EXPECT_TRUE(harness.messages().empty());
}

// A whole pipeline, several times over: every frame comes out before the end of the stream does.
TEST_F(Live, PipelineDrainsAtTheEndOfTheStream) {
  const std::string text =
      "videotestsrc num-buffers=5 ! video/x-raw,width=33,height=21 ! "
      "tee name=t ! queue ! cdfssseg " +
      properties() + " ! fakesink name=drawn signal-handoffs=true t. ! queue ! fakesink";
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(text.c_str(), &error);
  ASSERT_EQ(error, nullptr) << error->message;
  GstElement* sink = gst_bin_get_by_name(GST_BIN(pipeline), "drawn");
  int frames = 0;
  g_signal_connect(sink, "handoff",
                   G_CALLBACK(+[](GstElement*, GstBuffer*, GstPad*, int* count) { ++*count; }),
                   &frames);
  GstBus* bus = gst_element_get_bus(pipeline);
  for (int round = 1; round <= 3; ++round) {
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    const auto types = static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
    GstMessage* message = gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, types);
    ASSERT_NE(message, nullptr) << "no end of stream";
    EXPECT_EQ(GST_MESSAGE_TYPE(message), GST_MESSAGE_EOS);
    gst_message_unref(message);
    EXPECT_EQ(frames, 5 * round);
    gst_element_set_state(pipeline, GST_STATE_NULL);
  }
  gst_object_unref(bus);
  gst_object_unref(sink);
  gst_object_unref(pipeline);
}

// An application's thread sets properties while frames flow, renegotiating all the time.
TEST_F(Live, PropertiesCanBeSetFromAnotherThread) {
  const std::string text =
      "videotestsrc num-buffers=40 ! video/x-raw,width=33,height=21 ! "
      "cdfssseg name=seg " +
      properties() + " ! fakesink";
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(text.c_str(), &error);
  ASSERT_EQ(error, nullptr) << error->message;
  GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline), "seg");
  const std::string other = make_support("other", 7);
  GstBus* bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  const auto types = static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  GstMessage* message = nullptr;
  for (int i = 0; message == nullptr && i < 20000; ++i) {
    g_object_set(element, "output", i % 2, "alpha", (i % 9) / 8.0, "threshold", (i % 5) / 4.0F,
                 nullptr);
    if (i % 16 == 0) {
      g_object_set(element, "support", (i % 32 == 0 ? other : support_).c_str(), nullptr);
    }
    message = gst_bus_timed_pop_filtered(bus, 3 * GST_MSECOND, types);
  }
  ASSERT_NE(message, nullptr) << "no end of stream";
  EXPECT_EQ(GST_MESSAGE_TYPE(message), GST_MESSAGE_EOS);
  gst_message_unref(message);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(element);
  gst_object_unref(pipeline);
}

TEST_F(Live, PropertiesReadBack) {
  Harness harness(properties("precision=fp32 target-enhancement=union device=cpu input-size=49"));
  gint input_size = 0, precision = -1, enhancement = -1;
  gchar *device = nullptr, *support = nullptr;
  gdouble alpha = 0;
  g_object_get(harness.element(), "input-size", &input_size, "precision", &precision,
               "target-enhancement", &enhancement, "device", &device, "support", &support, "alpha",
               &alpha, nullptr);
  EXPECT_EQ(input_size, 49);
  EXPECT_EQ(precision, 1);
  EXPECT_EQ(enhancement, 5);
  EXPECT_STREQ(device, "cpu");
  EXPECT_EQ(support, support_);
  EXPECT_EQ(alpha, 0.5);
  g_free(device);
  g_free(support);
}

}  // namespace
}  // namespace cdfss
