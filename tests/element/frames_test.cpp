// What becomes of frames: masks and overlays in every format, size and stride, and what buffers
// carry along.
#include <gst/video/gstvideometa.h>
#include <gst/video/gstvideopool.h>

#include <algorithm>
#include <set>

#include "element_test.h"
#include "overlay_reference.h"

namespace cdfss {
namespace {

using Frames = ElementTest;

struct Size {
  int width, height;
};
constexpr Size kSizes[] = {{322, 241}, {17, 16}, {64, 48}, {1, 1}};

// One element sees all formats, sizes and strides, one after the other.
TEST_F(Frames, MaskIsTheSegmentersInEveryFormatSizeAndStride) {
  Harness harness(properties("output=mask"));
  for (const Size& size : kSizes) {
    const Image picture = make_picture(size.width, size.height);
    const std::vector<std::uint8_t> expected = reference().segment(picture.view()).classes;
    for (const std::string& format : kPackedFormats) {
      for (const int padding : {0, 12}) {
        SCOPED_TRACE(caps_text(format, size.width, size.height) + ", padding " +
                     std::to_string(padding));
        harness.set_input(format, size.width, size.height);
        GstBuffer* output = harness.process(make_buffer(picture, format, padding));
        ASSERT_NE(output, nullptr);
        EXPECT_EQ(harness.output_format(), "GRAY8");
        EXPECT_EQ(read_buffer(output, "GRAY8", size.width, size.height), expected);
        gst_buffer_unref(output);
      }
    }
  }
  EXPECT_TRUE(harness.messages().empty());
}

// Guards the tests here against a network that gives the same class to all pixels.
TEST_F(Frames, TestModelDividesThePicture) {
  const Mask mask = reference().segment(make_picture(322, 241).view());
  const std::set<std::uint8_t> values(mask.classes.begin(), mask.classes.end());
  EXPECT_GE(values.size(), 2U);
}

TEST_F(Frames, OverlayIsDrawnInPlaceInEveryFormatSizeAndStride) {
  Harness harness(properties("alpha=0.25"));
  for (const Size& size : kSizes) {
    const Image picture = make_picture(size.width, size.height);
    const Image expected = reference_overlay(reference().segment(picture.view()), picture, 0.25);
    for (const std::string& format : kPackedFormats) {
      for (const int padding : {0, 12}) {
        SCOPED_TRACE(caps_text(format, size.width, size.height) + ", padding " +
                     std::to_string(padding));
        harness.set_input(format, size.width, size.height);
        GstBuffer* input = make_buffer(picture, format, padding);
        GstBuffer* output = harness.process(input);
        ASSERT_EQ(output, input) << "not in place";
        EXPECT_EQ(harness.output_format(), format);
        EXPECT_EQ(read_buffer(output, format, size.width, size.height, padding != 0),
                  expected.pixels);
        gst_buffer_unref(output);
      }
    }
  }
  EXPECT_TRUE(harness.messages().empty());
}

// A buffer that somebody else holds, or whose memory another buffer shares, must be copied first.
TEST_F(Frames, OverlayLeavesSharedBuffersAlone) {
  Harness harness(properties("alpha=1"));
  const Image picture = make_picture(64, 48);
  const Image expected = reference_overlay(reference().segment(picture.view()), picture, 1);
  ASSERT_NE(expected.pixels, picture.pixels);
  harness.set_input("BGRx", 64, 48);
  for (const bool same_buffer : {true, false}) {
    GstBuffer* held = make_buffer(picture, "BGRx", 12);
    GstBuffer* output = harness.process(same_buffer ? gst_buffer_ref(held) : gst_buffer_copy(held));
    ASSERT_NE(output, nullptr);
    EXPECT_NE(output, held);
    EXPECT_EQ(read_buffer(output, "BGRx", 64, 48, true), expected.pixels);
    EXPECT_EQ(read_buffer(held, "BGRx", 64, 48, true), picture.pixels);
    gst_buffer_unref(output);
    gst_buffer_unref(held);
  }
}

TEST_F(Frames, KeepTimesFlagsAndMetas) {
  for (const std::string output : {"mask", "overlay"}) {
    SCOPED_TRACE(output);
    Harness harness(properties("output=" + output));
    harness.set_input("RGB", 64, 48);
    GstBuffer* input = make_buffer(make_picture(64, 48), "RGB", 12);
    GST_BUFFER_PTS(input) = 3 * GST_SECOND;
    GST_BUFFER_DTS(input) = 2 * GST_SECOND;
    GST_BUFFER_DURATION(input) = 40 * GST_MSECOND;
    GST_BUFFER_OFFSET(input) = 75;
    GST_BUFFER_FLAG_SET(input, GST_BUFFER_FLAG_DISCONT);
    GST_BUFFER_FLAG_SET(input, GST_BUFFER_FLAG_MARKER);
    gst_buffer_add_video_region_of_interest_meta(input, "ship", 1, 2, 3, 4);
    GstCaps* reference_caps = gst_caps_from_string("timestamp/x-unix");
    gst_buffer_add_reference_timestamp_meta(input, reference_caps, 1234, 5);

    GstBuffer* buffer = harness.process(input);
    ASSERT_NE(buffer, nullptr);
    EXPECT_EQ(GST_BUFFER_PTS(buffer), 3 * GST_SECOND);
    EXPECT_EQ(GST_BUFFER_DTS(buffer), 2 * GST_SECOND);
    EXPECT_EQ(GST_BUFFER_DURATION(buffer), 40 * GST_MSECOND);
    EXPECT_EQ(GST_BUFFER_OFFSET(buffer), 75U);
    EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT));
    EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_MARKER));
    const auto* region = reinterpret_cast<GstVideoRegionOfInterestMeta*>(
        gst_buffer_get_meta(buffer, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE));
    ASSERT_NE(region, nullptr);
    EXPECT_EQ(region->h, 4U);
    const auto* time = gst_buffer_get_reference_timestamp_meta(buffer, reference_caps);
    ASSERT_NE(time, nullptr);
    EXPECT_EQ(time->timestamp, 1234U);
    gst_caps_unref(reference_caps);
    gst_buffer_unref(buffer);
  }
}

// Downstream's own pool, whose rows are padded: a display or an encoder asks for that.
GstPadProbeReturn offer_padded_pool(GstPad*, GstPadProbeInfo* info, gpointer) {
  GstQuery* query = GST_PAD_PROBE_INFO_QUERY(info);
  if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION) return GST_PAD_PROBE_OK;
  GstCaps* caps = nullptr;
  gst_query_parse_allocation(query, &caps, nullptr);
  GstVideoInfo video;
  gst_video_info_from_caps(&video, caps);
  GstVideoAlignment alignment;
  gst_video_alignment_reset(&alignment);
  alignment.padding_left = 16;
  alignment.padding_right = 40;
  alignment.padding_top = 2;
  gst_video_info_align(&video, &alignment);
  GstBufferPool* pool = gst_video_buffer_pool_new();
  GstStructure* config = gst_buffer_pool_get_config(pool);
  gst_buffer_pool_config_set_params(config, caps, GST_VIDEO_INFO_SIZE(&video), 0, 0);
  gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
  gst_buffer_pool_config_set_video_alignment(config, &alignment);
  gst_buffer_pool_set_config(pool, config);
  gst_query_add_allocation_pool(query, pool, GST_VIDEO_INFO_SIZE(&video), 0, 0);
  gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  gst_object_unref(pool);
  return GST_PAD_PROBE_HANDLED;
}

TEST_F(Frames, MaskFillsBuffersThatDownstreamPadded) {
  Harness harness(properties("output=mask"));
  gst_pad_add_probe(harness.get()->sinkpad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, offer_padded_pool,
                    nullptr, nullptr);
  const Image picture = make_picture(322, 241);
  harness.set_input("RGB", 322, 241);
  GstBuffer* output = harness.process(make_buffer(picture, "RGB"));
  ASSERT_NE(output, nullptr);
  const GstVideoMeta* meta = gst_buffer_get_video_meta(output);
  ASSERT_NE(meta, nullptr);
  EXPECT_GE(meta->stride[0], 322 + 56);
  EXPECT_GT(meta->offset[0], 0U);
  EXPECT_EQ(read_buffer(output, "GRAY8", 322, 241), reference().segment(picture.view()).classes);
  gst_buffer_unref(output);
}

TEST_F(Frames, ShortBufferIsOneErrorAndNoCrash) {
  for (const std::string output : {"mask", "overlay"}) {
    Harness harness(properties("output=" + output));
    harness.set_input("RGB", 64, 48);
    EXPECT_EQ(gst_harness_push(harness.get(), gst_buffer_new_allocate(nullptr, 100, nullptr)),
              GST_FLOW_ERROR);
    const auto messages = harness.messages();
    ASSERT_EQ(messages.size(), 1U) << output;
    EXPECT_EQ(messages[0].type, GST_MESSAGE_ERROR);
    EXPECT_EQ(messages[0].domain, GST_STREAM_ERROR);
    EXPECT_EQ(messages[0].code, GST_STREAM_ERROR_FAILED);
    EXPECT_NE(messages[0].text.find("100 bytes"), std::string::npos) << messages[0].text;
  }
}

// A decoder's buffers may be larger than the picture that the caps announce.
TEST_F(Frames, CapsDecideTheSizeOfALargerBuffer) {
  Harness harness(properties("output=mask"));
  harness.set_input("RGB", 64, 48);
  GstBuffer* output = harness.process(make_buffer(make_picture(70, 50), "RGB", 12));
  ASSERT_NE(output, nullptr);
  EXPECT_EQ(gst_buffer_get_size(output), 64U * 48U);
  gst_buffer_unref(output);
  EXPECT_TRUE(harness.messages().empty());
}

}  // namespace
}  // namespace cdfss
