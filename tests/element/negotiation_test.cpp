// Caps in both directions, allocation, and changes of both in mid-stream.
#include <gst/base/gstbasetransform.h>

#include <set>

#include "element_test.h"
#include "overlay_reference.h"
#include "pipeline.h"

namespace cdfss {
namespace {

using Negotiation = ElementTest;

using Formats = std::set<std::string>;
const Formats kEvery(kAllFormats.begin(), kAllFormats.end());

// What the element's pad says it can take or make, given what its other peer allows.
Formats query_formats(const Harness& harness, const char* pad_name, const char* filter_text) {
  GstPad* pad = gst_element_get_static_pad(harness.element(), pad_name);
  GstCaps* filter = gst_caps_from_string(filter_text);
  GstCaps* caps = gst_caps_normalize(gst_pad_query_caps(pad, filter));
  Formats result;
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    result.insert(gst_structure_get_string(gst_caps_get_structure(caps, i), "format"));
  }
  gst_caps_unref(caps);
  gst_caps_unref(filter);
  gst_object_unref(pad);
  return result;
}

bool accepts(const Harness& harness, const std::string& caps_text) {
  GstPad* pad = gst_element_get_static_pad(harness.element(), "sink");
  GstCaps* caps = gst_caps_from_string(caps_text.c_str());
  const bool result = gst_pad_query_accept_caps(pad, caps);
  gst_caps_unref(caps);
  gst_object_unref(pad);
  return result;
}

TEST_F(Negotiation, OverlayTakesWhatDownstreamTakes) {
  Harness harness(properties(), "video/x-raw, format={ BGRA, GRAY8, RGB }, width=[1, 64]");
  EXPECT_EQ(query_formats(harness, "sink", "video/x-raw"), (Formats{"BGRA", "RGB"}));
  EXPECT_TRUE(accepts(harness, caps_text("RGB", 33, 20)));
  EXPECT_FALSE(accepts(harness, caps_text("YUY2", 33, 20)));
}

TEST_F(Negotiation, OverlayCannotFeedAMaskSink) {
  Harness harness(properties(), "video/x-raw, format=GRAY8");
  EXPECT_EQ(query_formats(harness, "sink", "video/x-raw"), Formats{});
}

TEST_F(Negotiation, MaskTakesAllFormatsAndKeepsTheRest) {
  Harness harness(properties("output=mask"),
                  "video/x-raw, format={ GRAY8, RGB }, width=322, height=[1, 300]");
  EXPECT_EQ(query_formats(harness, "sink", "video/x-raw"), kEvery);
  EXPECT_EQ(query_formats(harness, "sink", "video/x-raw, width=100"), Formats{});
  EXPECT_EQ(query_formats(harness, "sink", "video/x-raw, format={ YUY2, BGRx }"), Formats{"BGRx"});
  EXPECT_EQ(query_formats(harness, "src", "video/x-raw"), Formats{"GRAY8"});

  gst_harness_set_src_caps_str(harness.get(),
                               "video/x-raw, format=BGRx, width=322, height=241, framerate=30/1, "
                               "pixel-aspect-ratio=2/1, colorimetry=sRGB");
  GstBuffer* output = harness.process(make_buffer(make_picture(322, 241), "BGRx"));
  ASSERT_NE(output, nullptr);
  gst_buffer_unref(output);
  GstCaps* caps = gst_pad_get_current_caps(harness.get()->sinkpad);
  GstCaps* expected = gst_caps_from_string(
      "video/x-raw, format=GRAY8, width=322, height=241, framerate=30/1, pixel-aspect-ratio=2/1");
  EXPECT_TRUE(gst_caps_is_equal(caps, expected)) << gst_caps_to_string(caps);
  gst_caps_unref(expected);
  gst_caps_unref(caps);
}

TEST_F(Negotiation, MaskCannotFeedAColourSink) {
  Harness harness(properties("output=mask"), "video/x-raw, format=RGB");
  EXPECT_EQ(query_formats(harness, "sink", "video/x-raw"), Formats{});
}

TEST_F(Negotiation, MetadataKeepsTheFormat) {
  Harness harness(properties("output=metadata"), "video/x-raw, format={ NV12, GRAY8, BGRA }");
  EXPECT_EQ(query_formats(harness, "sink", "video/x-raw"), (Formats{"BGRA", "NV12"}));
}

TEST_F(Negotiation, CutoutMakesAlphaOfEveryFormat) {
  Harness harness(properties("output=cutout"), "video/x-raw, format={ GRAY8, RGB, BGRA }");
  EXPECT_EQ(query_formats(harness, "sink", "video/x-raw"), kEvery);
  EXPECT_EQ(query_formats(harness, "src", "video/x-raw"), (Formats{"BGRA", "RGBA"}));
}

TEST_F(Negotiation, CutoutCannotFeedASinkWithoutAlpha) {
  Harness harness(properties("output=cutout"), "video/x-raw, format={ GRAY8, RGB, NV12 }");
  EXPECT_EQ(query_formats(harness, "sink", "video/x-raw"), Formats{});
}

// The caps that leave for caps that come in.
std::string output_caps(Harness& harness, const std::string& format, const std::string& more) {
  gst_harness_set_src_caps_str(
      harness.get(),
      ("video/x-raw, width=34, height=20, framerate=30/1, format=" + format + more).c_str());
  GstBuffer* output = harness.process(make_buffer(make_picture(34, 20), format));
  EXPECT_NE(output, nullptr) << format << more;
  gst_clear_buffer(&output);
  GstCaps* caps = gst_pad_get_current_caps(harness.get()->sinkpad);
  gchar* text = gst_caps_to_string(caps);
  const std::string result = text;
  g_free(text);
  gst_caps_unref(caps);
  return result;
}

// Y'CbCr becomes RGB of the same primaries and transfer function; the chroma's place is no more.
TEST_F(Negotiation, CutoutKeepsColorimetry) {
  Harness harness(properties("output=cutout"));
  const std::string from_709 =
      output_caps(harness, "NV12", ", colorimetry=bt709, chroma-site=mpeg2");
  EXPECT_NE(from_709.find("format=(string)RGBA"), std::string::npos) << from_709;
  EXPECT_NE(from_709.find("colorimetry=(string)1:1:5:1"), std::string::npos) << from_709;
  EXPECT_EQ(from_709.find("chroma-site"), std::string::npos) << from_709;
  const std::string from_rgb = output_caps(harness, "BGRx", ", colorimetry=sRGB");
  EXPECT_NE(from_rgb.find("format=(string)BGRA"), std::string::npos) << from_rgb;
  EXPECT_NE(from_rgb.find("colorimetry=(string)sRGB"), std::string::npos) << from_rgb;
}

TEST_F(Negotiation, OverlayKeepsAllCaps) {
  Harness harness(properties());
  const std::string caps = output_caps(harness, "I420", ", colorimetry=bt709, chroma-site=mpeg2");
  EXPECT_NE(caps.find("format=(string)I420"), std::string::npos) << caps;
  EXPECT_NE(caps.find("colorimetry=(string)bt709"), std::string::npos) << caps;
  EXPECT_NE(caps.find("chroma-site=(string)mpeg2"), std::string::npos) << caps;
}

TEST_F(Negotiation, OutputCanChangeInMidStream) {
  Harness harness(properties());
  const Image picture = make_picture(64, 48);
  const Mask mask = reference().segment(picture.view());
  const Image overlay = reference_overlay(mask, picture, 0.5);
  harness.set_input("RGB", 64, 48);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(harness.process(picture, "RGB"), overlay.pixels);
    g_object_set(harness.element(), "output", 1, nullptr);
    EXPECT_EQ(harness.process(picture, "GRAY8"), mask.classes);
    g_object_set(harness.element(), "output", 0, nullptr);
  }
  EXPECT_EQ(harness.process(picture, "RGB"), overlay.pixels);
  EXPECT_TRUE(harness.messages().empty());
}

// The last value before a frame counts, however often it was set.
TEST_F(Negotiation, OutputSetBackBeforeAFrameChangesNothing) {
  Harness harness(properties());
  const Image picture = make_picture(64, 48);
  harness.set_input("RGB", 64, 48);
  g_object_set(harness.element(), "output", 1, nullptr);
  g_object_set(harness.element(), "output", 0, nullptr);
  const Mask mask = reference().segment(picture.view());
  EXPECT_EQ(harness.process(picture, "RGB"), reference_overlay(mask, picture, 0.5).pixels);
}

// One query is answered by transforming caps there and back again.
TEST_F(Negotiation, OutputSetDuringACapsQueryDoesNotSpoilItsAnswer) {
  Harness harness(properties());
  const auto switch_output = +[](GstPad*, GstPadProbeInfo* info, gpointer element) {
    if (GST_QUERY_TYPE(GST_PAD_PROBE_INFO_QUERY(info)) == GST_QUERY_CAPS) {
      g_object_set(element, "output", 1, nullptr);
    }
    return GST_PAD_PROBE_OK;
  };
  gst_pad_add_probe(harness.get()->sinkpad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, switch_output,
                    harness.element(), nullptr);
  EXPECT_EQ(query_formats(harness, "sink", "video/x-raw, format={ RGB, BGRx }"),
            (Formats{"RGB", "BGRx"}));
}

// Masks are made from BGRx here; an overlay has to be asked for in a format that the sink takes.
TEST_F(Negotiation, UpstreamChangesItsFormatWhenTheOutputChanges) {
  Pipeline pipeline(
      "videotestsrc num-buffers=6 ! video/x-raw,format=BGRx,width=33,height=21"
      " ! videoconvert ! cdfssseg name=seg output=mask " +
      properties() + " ! video/x-raw,format=(string){GRAY8,RGB} ! fakesink name=sink");
  std::vector<std::string> formats;
  pipeline.on_frame("sink", [&](GstBuffer*, GstCaps* caps) {
    formats.push_back(gst_structure_get_string(gst_caps_get_structure(caps, 0), "format"));
    if (formats.size() == 3) g_object_set(pipeline.element("seg"), "output", 0, nullptr);
  });
  pipeline.play_to_end();
  EXPECT_EQ(formats, (std::vector<std::string>{"GRAY8", "GRAY8", "GRAY8", "RGB", "RGB", "RGB"}));
}

class Refusal : public ElementTest {
 protected:
  // One error for video with that field in its caps, which says all of `words`.
  void expect_refusal(const std::string& field, const std::vector<std::string>& words) {
    SCOPED_TRACE(field);
    Harness harness(properties());
    gst_harness_set_src_caps_str(harness.get(), (caps_text("RGB", 64, 48) + ", " + field).c_str());
    EXPECT_EQ(gst_harness_push(harness.get(), make_buffer(make_picture(64, 48), "RGB")),
              GST_FLOW_ERROR);
    const auto messages = harness.messages();
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_EQ(messages[0].type, GST_MESSAGE_ERROR);
    EXPECT_EQ(messages[0].domain, GST_STREAM_ERROR);
    EXPECT_EQ(messages[0].code, GST_STREAM_ERROR_FORMAT);
    for (const std::string& word : words) {
      EXPECT_NE(messages[0].text.find(word), std::string::npos) << messages[0].text;
    }
  }
};

TEST_F(Refusal, OfInterlacedVideo) {
  for (const std::string mode : {"interleaved", "mixed", "fields"}) {
    expect_refusal("interlace-mode=" + mode, {mode, "deinterlace"});
  }
}

TEST_F(Refusal, OfVideoOfSeveralViews) {
  for (const std::string mode : {"side-by-side", "separated", "frame-by-frame"}) {
    expect_refusal("multiview-mode=" + mode, {mode});
  }
}

// One stream after another of another size and format, through a whole pipeline.
TEST_F(Negotiation, SizeAndFormatChangeInMidStream) {
  for (const std::string output : {"overlay", "mask", "cutout", "metadata"}) {
    SCOPED_TRACE(output);
    Pipeline pipeline(
        "concat name=c ! cdfssseg " + properties("output=" + output) +
        " ! fakesink name=sink "
        "videotestsrc num-buffers=2 ! video/x-raw,format=NV12,width=320,height=240 ! c. "
        "videotestsrc num-buffers=2 ! video/x-raw,format=BGRx,width=641,height=479 ! c.");
    std::vector<int> widths;
    pipeline.on_frame("sink", [&](GstBuffer* buffer, GstCaps* caps) {
      GstVideoInfo info;
      gst_video_info_from_caps(&info, caps);
      GstVideoFrame frame;
      ASSERT_TRUE(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ));
      gst_video_frame_unmap(&frame);
      widths.push_back(GST_VIDEO_INFO_WIDTH(&info));
    });
    pipeline.play_to_end();
    EXPECT_EQ(widths, (std::vector<int>{320, 320, 641, 641}));
  }
}

// Does upstream learn that it may pad rows?
bool proposes_video_meta(const Harness& harness) {
  GstCaps* caps = gst_caps_from_string(caps_text("RGB", 64, 48).c_str());
  GstQuery* query = gst_query_new_allocation(caps, TRUE);
  const bool answered = gst_pad_peer_query(harness.get()->srcpad, query);
  const bool result =
      answered && gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  gst_query_unref(query);
  gst_caps_unref(caps);
  return result;
}

TEST_F(Negotiation, MaskTakesPaddedFramesWhateverDownstreamTakes) {
  Harness harness(properties("output=mask"));
  harness.set_input("RGB", 64, 48);
  EXPECT_TRUE(proposes_video_meta(harness));
}

// In place, downstream gets upstream's buffers, so it must be the one to take padding.
TEST_F(Negotiation, OverlayTakesPaddedFramesIfDownstreamDoes) {
  Harness harness(properties());
  harness.set_input("RGB", 64, 48);
  EXPECT_FALSE(proposes_video_meta(harness));
  gst_harness_add_propose_allocation_meta(harness.get(), GST_VIDEO_META_API_TYPE, nullptr);
  EXPECT_TRUE(proposes_video_meta(harness));
}

TEST_F(Negotiation, LateFramesAreDropped) {
  Harness harness(properties());
  EXPECT_TRUE(gst_base_transform_is_qos_enabled(GST_BASE_TRANSFORM(harness.element())));
  harness.set_input("RGB", 64, 48);
  gst_harness_push_upstream_event(
      harness.get(), gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 2.0, GST_SECOND, GST_SECOND));
  const auto push = [&](GstClockTime time) {
    GstBuffer* buffer = make_buffer(make_picture(64, 48), "RGB");
    GST_BUFFER_PTS(buffer) = time;
    GstBuffer* output = harness.process(buffer);
    const bool passed = output != nullptr;
    gst_clear_buffer(&output);
    return passed;
  };
  EXPECT_FALSE(push(GST_SECOND));
  EXPECT_TRUE(push(10 * GST_SECOND));
}

}  // namespace
}  // namespace cdfss
