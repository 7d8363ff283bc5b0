// A running element: properties that change, states, flushes and the end of the stream.
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <thread>

#include "element_test.h"
#include "overlay_reference.h"
#include "pipeline.h"

namespace cdfss {
namespace {

class Live : public ElementTest {
 protected:
  Mask reference_with(const std::string& model, const std::string& support) {
    Segmenter segmenter(model, {.threshold = threshold_});
    segmenter.set_support(SupportSet::load(support));
    return segmenter.segment(picture_.view());
  }
  // Sets a property of a running element, whose masks are `after` from then on.
  void expect_replaced(const char* property, const std::string& value, const Mask& after) {
    const Mask before = reference_with(model_, support_);
    ASSERT_NE(before.classes, after.classes);
    Harness harness(properties("output=mask"));
    harness.set_input("RGB", 64, 48);
    EXPECT_EQ(harness.process(picture_, "GRAY8"), before.classes);
    g_object_set(harness.element(), property, value.c_str(), nullptr);
    EXPECT_TRUE(harness.wait_until_loaded());
    EXPECT_EQ(harness.process(picture_, "GRAY8"), after.classes);
    EXPECT_TRUE(harness.messages().empty());
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

  // Sets a property of a running element to what is not possible: one warning, and its masks stay.
  void expect_kept(Harness& harness, const char* property, const char* value, int code,
                   const std::string& word) {
    const Mask before = reference_with(model_, support_);
    gst_util_set_object_arg(G_OBJECT(harness.element()), property, value);
    EXPECT_FALSE(harness.wait_until_loaded());
    EXPECT_EQ(harness.process(picture_, "GRAY8"), before.classes);
    expect_warning(harness, GST_RESOURCE_ERROR, code, word);
    EXPECT_EQ(harness.process(picture_, "GRAY8"), before.classes);
    EXPECT_TRUE(harness.messages().empty()) << "the same warning again";
  }

  const Image picture_ = make_picture(64, 48);
};

TEST_F(Live, ANewSupportSetCountsFromTheNextFrame) {
  const std::string other = make_support("other", 7);
  expect_replaced("support", other, reference_with(model_, other));
}

TEST_F(Live, ABadSupportSetIsAWarningAndTheOldOneStays) {
  Harness harness(properties("output=mask"));
  harness.set_input("RGB", 64, 48);
  expect_kept(harness, "support", "/nowhere/fish", GST_RESOURCE_ERROR_NOT_FOUND, "/nowhere/fish");
  expect_kept(harness, "support", "", GST_RESOURCE_ERROR_SETTINGS, "support");
}

TEST_F(Live, ABadModelOrOptionIsAWarningAndTheOldOneStays) {
  Harness harness(properties("output=mask"));
  harness.set_input("RGB", 64, 48);
  expect_kept(harness, "model", "/nowhere/net", GST_RESOURCE_ERROR_NOT_FOUND, "/nowhere/net");
  g_object_set(harness.element(), "model", model_.c_str(), nullptr);
  EXPECT_TRUE(harness.wait_until_loaded());
  expect_kept(harness, "input-size", "100", GST_RESOURCE_ERROR_SETTINGS, "100");
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

// What is not a value leaves the last one in force, and reloads go on working.
TEST_F(Live, AnImpossibleThresholdIsRefused) {
  Harness harness(properties("output=mask"));
  harness.set_input("RGB", 64, 48);
  for (const float wrong : {-0.5F, -2.0F, 1.5F, std::nanf("")}) {
    g_test_expect_message("GLib-GObject", G_LOG_LEVEL_WARNING,
                          "*invalid or out of range*threshold*");
    g_object_set(harness.element(), "threshold", wrong, nullptr);
    g_test_assert_expected_messages();
  }
  gfloat threshold = 0;
  g_object_get(harness.element(), "threshold", &threshold, nullptr);
  EXPECT_EQ(threshold, threshold_);
  g_signal_emit_by_name(harness.element(), "reload");
  EXPECT_TRUE(harness.wait_until_loaded());
  EXPECT_EQ(harness.process(picture_, "GRAY8"), reference_with(model_, support_).classes);
  EXPECT_TRUE(harness.messages().empty());
}

// Going to READY does not wait for a support set that takes long, and nobody is told of it.
TEST_F(Live, ALoadUnderWayIsGivenUp) {
  const std::string large = make_support("large");
  for (int i = 2; i <= 40; ++i) {
    for (const std::string kind : {".jpg", ".png"}) {
      std::filesystem::copy_file(large + "/left/01" + kind,
                                 large + "/left/" + std::to_string(i) + kind);
    }
  }
  Harness harness(properties("input-size=321"));
  g_object_set(harness.element(), "support", large.c_str(), nullptr);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // so that it has begun, mostly
  EXPECT_EQ(gst_element_set_state(harness.element(), GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(harness.stat("reloads"), 0U);
  EXPECT_TRUE(harness.messages().empty());
}

// GStreamer opens the pad before it starts the element, so frames can come that nobody will
// segment.
TEST_F(Live, FramesThatComeWhileItFailsToStartAreRefused) {
  Harness harness(properties());
  gst_harness_set_drop_buffers(harness.get(), TRUE);
  harness.set_input("RGB", 64, 48);
  std::atomic<bool> done{false};
  std::thread pusher([&] {
    while (!done) gst_harness_push(harness.get(), make_buffer(picture_, "RGB"));
  });
  EXPECT_EQ(gst_element_set_state(harness.element(), GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  g_object_set(harness.element(), "support", "/nowhere/fish", nullptr);
  EXPECT_EQ(gst_element_set_state(harness.element(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  done = true;
  pusher.join();  // does not wait for a mask
}

// A whole pipeline, several times over: every frame comes out before the end of the stream does.
TEST_F(Live, PipelineDrainsAtTheEndOfTheStream) {
  Pipeline pipeline(
      "videotestsrc num-buffers=5 ! video/x-raw,width=33,height=21 ! tee name=t ! queue ! "
      "cdfssseg " +
      properties() + " ! fakesink name=drawn t. ! queue ! fakesink");
  int frames = 0;
  pipeline.on_frame("drawn", [&](GstBuffer*, GstCaps*) { ++frames; });
  for (int round = 1; round <= 3; ++round) {
    pipeline.play_to_end();
    EXPECT_EQ(frames, 5 * round);
  }
}

// An application's thread sets properties while frames flow, renegotiating all the time.
TEST_F(Live, PropertiesCanBeSetFromAnotherThread) {
  Pipeline pipeline(
      "videotestsrc num-buffers=40 ! video/x-raw,width=33,height=21 ! cdfssseg name=seg " +
      properties() + " ! fakesink");
  GstElement* element = pipeline.element("seg");
  const std::string other = make_support("other", 7);
  pipeline.set_state(GST_STATE_PLAYING);
  for (int i = 0; !pipeline.ends_within(3 * GST_MSECOND) && i < 20000; ++i) {
    g_object_set(element, "output", i % 2, "alpha", (i % 9) / 8.0, "threshold", (i % 5) / 4.0F,
                 nullptr);
    if (i % 16 == 0) {
      g_object_set(element, "support", (i % 32 == 0 ? other : support_).c_str(), nullptr);
    }
  }
  const auto failure = pipeline.wait_for_end();
  EXPECT_FALSE(failure) << failure->text;
}

// A value outside a property's range; false for a property that has none.
bool make_impossible(const GParamSpec* spec, GValue* value) {
  g_value_init(value, spec->value_type);
  if (G_IS_PARAM_SPEC_INT(spec) && G_PARAM_SPEC_INT(spec)->maximum < G_MAXINT) {
    g_value_set_int(value, G_PARAM_SPEC_INT(spec)->maximum + 1);
  } else if (G_IS_PARAM_SPEC_INT(spec)) {
    g_value_set_int(value, G_PARAM_SPEC_INT(spec)->minimum - 1);
  } else if (G_IS_PARAM_SPEC_FLOAT(spec)) {
    g_value_set_float(value, G_PARAM_SPEC_FLOAT(spec)->maximum + 0.01F);
  } else if (G_IS_PARAM_SPEC_DOUBLE(spec)) {
    g_value_set_double(value, G_PARAM_SPEC_DOUBLE(spec)->maximum + 0.01);
  } else if (G_IS_PARAM_SPEC_ENUM(spec)) {
    g_value_set_enum(value, 99);
  } else {
    return false;
  }
  return true;
}

TEST_F(Live, ValuesOutOfRangeAreRefused) {
  Harness harness(properties());
  guint count = 0;
  GParamSpec** specs =
      g_object_class_list_properties(G_OBJECT_GET_CLASS(harness.element()), &count);
  int refused = 0;
  for (guint i = 0; i < count; ++i) {
    const GParamSpec* spec = specs[i];
    if (spec->owner_type != G_OBJECT_TYPE(harness.element())) continue;
    SCOPED_TRACE(spec->name);
    GValue wrong = G_VALUE_INIT, before = G_VALUE_INIT, after = G_VALUE_INIT;
    if (make_impossible(spec, &wrong)) {
      g_object_get_property(G_OBJECT(harness.element()), spec->name, &before);
      g_test_expect_message("GLib-GObject", G_LOG_LEVEL_WARNING, "*invalid or out of range*");
      g_object_set_property(G_OBJECT(harness.element()), spec->name, &wrong);
      g_test_assert_expected_messages();
      g_object_get_property(G_OBJECT(harness.element()), spec->name, &after);
      EXPECT_EQ(gst_value_compare(&before, &after), GST_VALUE_EQUAL);
      g_value_unset(&before);
      g_value_unset(&after);
      ++refused;
    }
    g_value_unset(&wrong);
  }
  g_free(specs);
  EXPECT_EQ(refused, 9);  // of the 19 properties
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
