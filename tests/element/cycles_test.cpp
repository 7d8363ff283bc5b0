// States in every order, many times over, and properties set meanwhile from other threads. Also run
// with GStreamer's leaks tracer, see meson.build.
#include <atomic>
#include <chrono>
#include <thread>

#include "element_test.h"
#include "pipeline.h"

namespace cdfss {
namespace {

class Cycles : public ElementTest {
 protected:
  std::string description(const std::string& source, const std::string& more) {
    return source + " ! cdfssseg name=seg " + properties(more) + " ! fakesink name=sink";
  }
};

TEST_F(Cycles, StartAndStopFiftyTimes) {
  Pipeline pipeline(
      description("videotestsrc num-buffers=2 ! video/x-raw,format=NV12,width=33,height=21",
                  "post-messages=true draw-labels=true"));
  for (int round = 0; round < 50; ++round) {
    g_object_set(pipeline.element("seg"), "async", round % 2, "output", round % 4, nullptr);
    if (round % 5 != 0) {
      pipeline.play_to_end();
      continue;
    }
    ASSERT_NE(pipeline.set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
    ASSERT_EQ(pipeline.set_state(GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);  // in the middle
  }
}

// As GStreamer's own generic test: each state from each other.
TEST_F(Cycles, EveryStateFollowsEveryOther) {
  GstElement* element = gst_element_factory_make("cdfssseg", nullptr);
  gst_object_ref_sink(element);
  g_object_set(element, "model", model_.c_str(), "support", support_.c_str(), nullptr);
  const GstState states[] = {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING};
  for (const GstState from : states) {
    for (const GstState to : states) {
      EXPECT_EQ(gst_element_set_state(element, from), GST_STATE_CHANGE_SUCCESS);
      EXPECT_EQ(gst_element_set_state(element, to), GST_STATE_CHANGE_SUCCESS);
    }
  }
  gst_element_set_state(element, GST_STATE_NULL);
  gst_object_unref(element);
}

// An application changes everything while another of its threads starts and stops the pipeline.
TEST_F(Cycles, PropertiesAreSetWhileStatesChange) {
  Pipeline pipeline(description("videotestsrc ! video/x-raw,width=33,height=21", ""));
  GstElement* element = pipeline.element("seg");
  const std::string other = make_support("other", 7);
  std::atomic<bool> done{false};
  std::thread setter([&] {
    for (int i = 0; !done; ++i) {
      g_object_set(element, "support", (i % 2 == 0 ? other : support_).c_str(), "threshold",
                   (i % 5) / 4.0F, "temporal-smoothing", (i % 3) / 4.0, "watch", i % 2, "async",
                   i % 2, "inference-interval", 1 + i % 3, "classes", i % 2 == 0 ? "top" : "",
                   nullptr);
      g_signal_emit_by_name(element, "reload");
      stat_of(element, "frames");
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
  });
  for (int round = 0; round < 12; ++round) {
    EXPECT_NE(pipeline.set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
    EXPECT_NE(pipeline.wait_for_state(), GST_STATE_CHANGE_FAILURE);
    pipeline.set_state(round % 2 == 0 ? GST_STATE_READY : GST_STATE_NULL);
  }
  done = true;
  setter.join();
}

// Frames that are lost or damaged upstream are not the element's to stumble over.
TEST_F(Cycles, UpstreamMayDropAndDamageFrames) {
  for (const std::string damage :
       {"identity drop-probability=0.5", "breakmydata probability=0.3", "identity sleep-time=1"}) {
    SCOPED_TRACE(damage);
    Pipeline pipeline(description(
        "videotestsrc num-buffers=20 ! video/x-raw,format=I420,width=33,height=21 ! " + damage,
        "output=mask"));
    pipeline.play_to_end();
  }
}

// Upstream's error is the only one: the element does not add its own to it.
TEST_F(Cycles, UpstreamMayFail) {
  for (const std::string async : {"false", "true"}) {
    Pipeline pipeline(description(
        "videotestsrc ! video/x-raw,width=33,height=21 ! identity name=broken error-after=4",
        "async=" + async));
    int frames = 0;
    pipeline.on_frame("sink", [&](GstBuffer*, GstCaps*) { ++frames; });
    pipeline.set_state(GST_STATE_PLAYING);
    const auto failure = pipeline.wait_for_end();
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->source, "broken");
    EXPECT_EQ(pipeline.set_state(GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
    for (const BusMessage& other : pipeline.messages())
      EXPECT_NE(other.source, "seg") << other.text;
    EXPECT_EQ(frames, 3);
  }
}

// Seeks flush a pipeline that is at work.
TEST_F(Cycles, SeeksWhilePlaying) {
  Pipeline pipeline(description("videotestsrc ! video/x-raw,width=33,height=21,framerate=25/1",
                                "output=metadata"));
  pipeline.set_state(GST_STATE_PLAYING);
  ASSERT_NE(pipeline.wait_for_state(), GST_STATE_CHANGE_FAILURE);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(gst_element_seek_simple(pipeline.get(), GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                                        (20 - i) * GST_SECOND));
    ASSERT_NE(pipeline.wait_for_state(), GST_STATE_CHANGE_FAILURE);
  }
}

// GStreamer's own stress threads: frames, caps, flushes and requests beside properties and states.
class Stress : public ElementTest {
 protected:
  static constexpr gulong kPause = 2000;  // us between two goes of a thread
  static constexpr gulong kDuration = 2 * G_USEC_PER_SEC;

  // The same frame again and again, in caps with a segment before it.
  static GstHarnessThread* push_frames(const Harness& harness) {
    GstCaps* caps = gst_caps_from_string(caps_text("RGB", 33, 21).c_str());
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    GstBuffer* frame = make_buffer(make_picture(33, 21), "RGB");
    GstHarnessThread* thread =
        gst_harness_stress_push_buffer_start_full(harness.get(), caps, &segment, frame, kPause);
    gst_buffer_unref(frame);
    gst_caps_unref(caps);
    return thread;
  }
  static GstHarnessThread* set_property(const Harness& harness, const char* name, GValue value) {
    GstHarnessThread* thread =
        gst_harness_stress_property_start_full(harness.get(), name, &value, kPause);
    g_value_unset(&value);
    return thread;
  }
  static GValue value_of(GType type, const char* text) {
    GValue value = G_VALUE_INIT;
    g_value_init(&value, type);
    EXPECT_TRUE(gst_value_deserialize(&value, text)) << text;
    return value;
  }
};

TEST_F(Stress, PropertiesAndFlushesBesideFrames) {
  for (const std::string async : {"false", "true"}) {
    Harness harness(properties("async=" + async));
    gst_harness_set_drop_buffers(harness.get(), TRUE);
    GstHarnessThread* threads[] = {
        push_frames(harness),
        set_property(harness, "threshold", value_of(G_TYPE_FLOAT, "0.25")),
        set_property(harness, "alpha", value_of(G_TYPE_DOUBLE, "0.25")),
        set_property(harness, "inference-interval", value_of(G_TYPE_INT, "2")),
        set_property(harness, "temporal-smoothing", value_of(G_TYPE_DOUBLE, "0.5")),
        set_property(harness, "classes", value_of(G_TYPE_STRING, "top")),
        gst_harness_stress_push_upstream_event_start_full(
            harness.get(), gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.0, 0, 0), kPause),
    };
    g_usleep(kDuration);
    for (GstHarnessThread* thread : threads) gst_harness_stress_thread_stop(thread);
    EXPECT_GT(harness.stat("frames"), 0U);
    EXPECT_TRUE(harness.messages().empty());
  }
}

TEST_F(Stress, PropertiesBesideStateChanges) {
  Harness harness(properties("async=true"));
  gst_harness_set_drop_buffers(harness.get(), TRUE);
  GstHarnessThread* threads[] = {
      gst_harness_stress_statechange_start_full(harness.get(), kPause),
      push_frames(harness),
      set_property(harness, "threshold", value_of(G_TYPE_FLOAT, "0.25")),
      set_property(harness, "temporal-smoothing", value_of(G_TYPE_DOUBLE, "0.5")),
      set_property(harness, "watch", value_of(G_TYPE_BOOLEAN, "true")),
      set_property(harness, "classes", value_of(G_TYPE_STRING, "top")),
  };
  g_usleep(kDuration);
  for (GstHarnessThread* thread : threads) gst_harness_stress_thread_stop(thread);
  for (const BusMessage& message : harness.messages()) ADD_FAILURE() << message.text;
}

}  // namespace
}  // namespace cdfss
