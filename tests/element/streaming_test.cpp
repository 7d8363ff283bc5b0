// Live video: frames that do not wait, flushes, latency, smoothing, and reloading on request.
#include <chrono>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <thread>

#include "cdfss_segmentation_meta.h"
#include "element_test.h"

namespace cdfss {
namespace {

class StreamingTest : public ElementTest {
 protected:
  GstBuffer* frame(const Image& picture, GstClockTime time) {
    GstBuffer* buffer = make_buffer(picture, "RGB");
    GST_BUFFER_PTS(buffer) = time;
    return buffer;
  }
  // Another label in the support set's folder.
  void change_support() {
    cv::Mat bottom = cv::Mat::zeros(80, 96, CV_8UC1);
    bottom.rowRange(40, 80) = 255;
    cv::imwrite(support_ + "/left/01.png", bottom);
  }
  void expect_changed_support(Harness& harness) {
    ASSERT_TRUE(harness.wait_until_loaded());
    reference().set_support(SupportSet::load(support_));
    EXPECT_EQ(harness.process(picture_, "GRAY8"), reference().segment(picture_.view()).classes);
  }

  const Image picture_ = make_picture(64, 48);
};

TEST_F(StreamingTest, AsyncFramesPassWithTheNewestMask) {
  const Mask mask = reference().segment(picture_.view());
  Harness harness(properties("async=true output=mask"));
  harness.set_input("RGB", 64, 48);
  GstBuffer* first = harness.process(frame(picture_, 0));
  ASSERT_NE(first, nullptr);
  gst_buffer_unref(first);
  guint64 frames = 1;
  bool segmented = false;
  while (!segmented && frames < 100000) {
    const GstClockTime now = frames * GST_MSECOND;
    GstBuffer* output = harness.process(frame(picture_, now));
    ASSERT_NE(output, nullptr);
    ++frames;
    GstCustomMeta* meta = gst_buffer_get_custom_meta(output, GST_CDFSS_SEGMENTATION_META_NAME);
    const auto classes = read_buffer(output, "GRAY8", 64, 48);
    if (meta == nullptr) {
      EXPECT_EQ(classes, std::vector<std::uint8_t>(64 * 48, 0)) << "before there is a mask";
    } else {
      EXPECT_EQ(classes, mask.classes);
      GstClockTime timestamp = 0, age = 0;
      gst_structure_get(gst_custom_meta_get_structure(meta), "timestamp", GST_TYPE_CLOCK_TIME,
                        &timestamp, "age", GST_TYPE_CLOCK_TIME, &age, nullptr);
      EXPECT_EQ(timestamp + age, now);
      segmented = true;
    }
    gst_buffer_unref(output);
  }
  EXPECT_TRUE(segmented) << "no mask came";
  // The end of the stream waits for what is under way: every frame was segmented or gave way.
  gst_harness_push_event(harness.get(), gst_event_new_eos());
  EXPECT_EQ(harness.stat("frames"), frames);
  EXPECT_EQ(harness.stat("inferences") + harness.stat("skipped"), frames);
  EXPECT_TRUE(harness.messages().empty());
}

// Masks of one size are not drawn into frames of another.
TEST_F(StreamingTest, AsyncSurvivesAChangeOfSize) {
  Harness harness(properties("async=true"));
  for (int round = 0; round < 20; ++round) {
    const Image picture = make_picture(round % 2 == 0 ? 33 : 70, 20 + round);
    harness.set_input("RGB", picture.width, picture.height);
    for (int i = 0; i < 3; ++i) {
      GstBuffer* output = harness.process(frame(picture, i));
      ASSERT_NE(output, nullptr);
      gst_buffer_unref(output);
    }
  }
  EXPECT_TRUE(harness.messages().empty());
}

// The frame is with the network when the flush comes.
TEST_F(StreamingTest, AFlushDoesNotWaitForTheNetwork) {
  Harness harness(properties("input-size=321 output=metadata"));
  harness.set_input("RGB", 64, 48);
  GstFlowReturn flow = GST_FLOW_OK;
  std::thread pusher([&] { flow = gst_harness_push(harness.get(), make_buffer(picture_, "RGB")); });
  while (harness.stat("frames") == 0) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  gst_harness_push_event(harness.get(), gst_event_new_flush_start());
  pusher.join();
  EXPECT_EQ(harness.stat("inferences"), 0U);
  EXPECT_EQ(flow, GST_FLOW_FLUSHING);
  gst_harness_push_event(harness.get(), gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(harness.get(), gst_event_new_segment(&segment));
  GstBuffer* output = harness.process(make_buffer(picture_, "RGB"));
  ASSERT_NE(output, nullptr);
  EXPECT_NE(gst_buffer_get_custom_meta(output, GST_CDFSS_SEGMENTATION_META_NAME), nullptr);
  gst_buffer_unref(output);
  EXPECT_TRUE(harness.messages().empty());
}

TEST_F(StreamingTest, LatencyIsWhatFramesWaitFor) {
  Harness harness(properties());
  harness.set_input("RGB", 64, 48);
  gst_harness_set_upstream_latency(harness.get(), 5 * GST_MSECOND);
  EXPECT_GT(gst_harness_query_latency(harness.get()), 5 * GST_MSECOND);
  g_object_set(harness.element(), "async", TRUE, nullptr);
  EXPECT_EQ(gst_harness_query_latency(harness.get()), 5 * GST_MSECOND);
}

// The library's own smoothing is the reference; where the scene cuts it starts anew.
TEST_F(StreamingTest, SmoothingEndsWhereTheSceneCuts) {
  const Image moved = make_picture(64, 48, 3);
  Image dark = picture_;
  for (std::uint8_t& value : dark.pixels) value /= 16;
  Harness harness(properties("temporal-smoothing=0.9 output=mask"));
  harness.set_input("RGB", 64, 48);
  reference().set_temporal_smoothing(0.9F);
  const auto step = [&](const Image& picture, bool cut) {
    if (cut) reference().forget_previous_image();
    EXPECT_EQ(harness.process(picture, "GRAY8"), reference().segment(picture.view()).classes);
  };
  step(picture_, true);
  step(moved, false);
  step(dark, true);
  step(picture_, true);
  step(moved, false);
  g_object_set(harness.element(), "temporal-smoothing", 0.0, nullptr);
  reference().set_temporal_smoothing(0);
  step(picture_, false);
}

TEST_F(StreamingTest, ReloadReadsTheFolderAgain) {
  Harness harness(properties("output=mask"));
  harness.set_input("RGB", 64, 48);
  harness.process(picture_, "GRAY8");
  change_support();
  g_signal_emit_by_name(harness.element(), "reload");
  expect_changed_support(harness);
  EXPECT_EQ(harness.stat("reloads"), 1U);
}

TEST_F(StreamingTest, AWatchedFolderIsReadWhenItChanges) {
  Harness harness(properties("output=mask watch=true"));
  harness.set_input("RGB", 64, 48);
  harness.process(picture_, "GRAY8");
  change_support();
  expect_changed_support(harness);
}

// Frames go on while models are loaded, and each has a whole mask of one of them.
TEST_F(StreamingTest, ModelsAreReplacedUnderLoad) {
  const Mask before = reference().segment(picture_.view());
  Segmenter other(other_model_, {.threshold = threshold_});
  other.set_support(SupportSet::load(support_));
  const Mask after = other.segment(picture_.view());
  Harness harness(properties("output=mask"));
  harness.set_input("RGB", 64, 48);
  for (int round = 0; round < 4; ++round) {
    const std::string& next = round % 2 == 0 ? other_model_ : model_;
    g_object_set(harness.element(), "model", next.c_str(), nullptr);
    int frames = 0;
    while (harness.stat("reloads") == static_cast<guint64>(round) && frames < 100000) {
      const auto classes = harness.process(picture_, "GRAY8");
      EXPECT_TRUE(classes == before.classes || classes == after.classes);
      ++frames;
    }
    const Mask& expected = round % 2 == 0 ? after : before;
    harness.process(picture_, "GRAY8");
    EXPECT_EQ(harness.process(picture_, "GRAY8"), expected.classes);
  }
  EXPECT_TRUE(harness.messages().empty());
}

}  // namespace
}  // namespace cdfss
