// States in every order, many times over, and properties set meanwhile from other threads. Also run
// with GStreamer's leaks tracer, see meson.build.
#include <atomic>
#include <chrono>
#include <thread>

#include "element_test.h"

namespace cdfss {
namespace {

class Cycles : public ElementTest {
 protected:
  GstElement* launch(const std::string& source, const std::string& more) {
    GError* error = nullptr;
    GstElement* pipeline = gst_parse_launch(
        (source + " ! cdfssseg name=seg " + properties(more) + " ! fakesink name=sink").c_str(),
        &error);
    EXPECT_EQ(error, nullptr) << error->message;
    return pipeline;
  }
  static void expect_end(GstElement* pipeline) {
    GstBus* bus = gst_element_get_bus(pipeline);
    const auto types = static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
    GstMessage* message = gst_bus_timed_pop_filtered(bus, 120 * GST_SECOND, types);
    ASSERT_NE(message, nullptr) << "no end of stream";
    EXPECT_EQ(GST_MESSAGE_TYPE(message), GST_MESSAGE_EOS);
    gst_message_unref(message);
    gst_object_unref(bus);
  }
};

TEST_F(Cycles, StartAndStopFiftyTimes) {
  GstElement* pipeline =
      launch("videotestsrc num-buffers=2 ! video/x-raw,format=NV12,width=33,height=21",
             "post-messages=true draw-labels=true");
  GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline), "seg");
  for (int round = 0; round < 50; ++round) {
    g_object_set(element, "async", round % 2, "output", round % 4, nullptr);
    ASSERT_NE(gst_element_set_state(pipeline, GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
    if (round % 5 != 0) expect_end(pipeline);  // else stopped in the middle
    ASSERT_EQ(gst_element_set_state(pipeline, GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  }
  gst_object_unref(element);
  gst_object_unref(pipeline);
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
  GstElement* pipeline = launch("videotestsrc ! video/x-raw,width=33,height=21", "");
  GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline), "seg");
  const std::string other = make_support("other", 7);
  std::atomic<bool> done{false};
  std::thread setter([&] {
    for (int i = 0; !done; ++i) {
      g_object_set(element, "support", (i % 2 == 0 ? other : support_).c_str(), "threshold",
                   (i % 5) / 4.0F, "temporal-smoothing", (i % 3) / 4.0, "watch", i % 2, "async",
                   i % 2, "inference-interval", 1 + i % 3, "classes", i % 2 == 0 ? "top" : "",
                   nullptr);
      g_signal_emit_by_name(element, "reload");
      GstStructure* stats = nullptr;
      g_object_get(element, "stats", &stats, nullptr);
      gst_structure_free(stats);
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
  });
  for (int round = 0; round < 12; ++round) {
    EXPECT_NE(gst_element_set_state(pipeline, GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
    EXPECT_NE(gst_element_get_state(pipeline, nullptr, nullptr, 120 * GST_SECOND),
              GST_STATE_CHANGE_FAILURE);
    gst_element_set_state(pipeline, round % 2 == 0 ? GST_STATE_READY : GST_STATE_NULL);
  }
  done = true;
  setter.join();
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(element);
  gst_object_unref(pipeline);
}

// Frames that are lost or damaged upstream are not the element's to stumble over.
TEST_F(Cycles, UpstreamMayDropAndDamageFrames) {
  for (const std::string damage :
       {"identity drop-probability=0.5", "breakmydata probability=0.3", "identity sleep-time=1"}) {
    SCOPED_TRACE(damage);
    GstElement* pipeline =
        launch("videotestsrc num-buffers=20 ! video/x-raw,format=I420,width=33,height=21 ! " + damage,
               "output=mask");
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    expect_end(pipeline);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
  }
}

// Seeks flush a pipeline that is at work.
TEST_F(Cycles, SeeksWhilePlaying) {
  GstElement* pipeline =
      launch("videotestsrc ! video/x-raw,width=33,height=21,framerate=25/1", "output=metadata");
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  ASSERT_NE(gst_element_get_state(pipeline, nullptr, nullptr, 120 * GST_SECOND),
            GST_STATE_CHANGE_FAILURE);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(gst_element_seek_simple(pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                                        (20 - i) * GST_SECOND));
    ASSERT_NE(gst_element_get_state(pipeline, nullptr, nullptr, 120 * GST_SECOND),
              GST_STATE_CHANGE_FAILURE);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
}

}  // namespace
}  // namespace cdfss
