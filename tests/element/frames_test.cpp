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

// One element, all formats, sizes and strides, one after the other.
template <typename Check>
void for_all_frames(Harness& harness, Check&& check) {
  for (const Size& size : kSizes) {
    for (const std::string& format : kAllFormats) {
      for (const int padding : {0, 12}) {
        SCOPED_TRACE(caps_text(format, size.width, size.height) + ", padding " +
                     std::to_string(padding));
        harness.set_input(format, size.width, size.height);
        check(make_picture(size.width, size.height), format, padding);
      }
    }
  }
  EXPECT_TRUE(harness.messages().empty());
}

// The mask of a picture in that format, told by the library from planes without padding.
Mask reference_mask(Segmenter& reference, const Image& picture, const std::string& format) {
  return is_yuv(format) ? reference.segment(to_yuv(picture).view())
                        : reference.segment(picture.view());
}

TEST_F(Frames, MaskIsTheSegmentersInEveryFormatSizeAndStride) {
  Harness harness(properties("output=mask"));
  for_all_frames(harness, [&](const Image& picture, const std::string& format, int padding) {
    GstBuffer* output = harness.process(make_buffer(picture, format, padding));
    ASSERT_NE(output, nullptr);
    EXPECT_EQ(harness.output_format(), "GRAY8");
    EXPECT_EQ(read_buffer(output, "GRAY8", picture.width, picture.height),
              reference_mask(reference(), picture, format).classes);
    gst_buffer_unref(output);
  });
}

// Guards the tests here against a network that gives the same class to all pixels.
TEST_F(Frames, TestModelDividesThePicture) {
  const Mask mask = reference().segment(make_picture(322, 241).view());
  const std::set<std::uint8_t> values(mask.classes.begin(), mask.classes.end());
  EXPECT_GE(values.size(), 2U);
}

TEST_F(Frames, OverlayIsDrawnInPlaceInEveryFormatSizeAndStride) {
  Harness harness(properties("alpha=0.25"));
  for_all_frames(harness, [&](const Image& picture, const std::string& format, int padding) {
    const Mask mask = reference_mask(reference(), picture, format);
    GstBuffer* input = make_buffer(picture, format, padding);
    GstBuffer* output = harness.process(input);
    ASSERT_EQ(output, input) << "not in place";
    EXPECT_EQ(harness.output_format(), format);
    const auto pixels = read_buffer(output, format, picture.width, picture.height, padding != 0);
    if (is_yuv(format)) {
      EXPECT_EQ(pixels, reference_overlay(mask, to_yuv(picture), 0.25).bytes());
    } else {
      EXPECT_EQ(pixels, reference_overlay(mask, picture, 0.25).pixels);
    }
    gst_buffer_unref(output);
  });
}

TEST_F(Frames, MetadataLeavesEveryByteAlone) {
  Harness harness(properties("output=metadata"));
  for_all_frames(harness, [&](const Image& picture, const std::string& format, int padding) {
    GstBuffer* input = make_buffer(picture, format, padding);
    GstBuffer* before = gst_buffer_copy_deep(input);
    GstBuffer* output = harness.process(input);
    ASSERT_EQ(output, input) << "not in place";
    GstMapInfo bytes;
    ASSERT_TRUE(gst_buffer_map(before, &bytes, GST_MAP_READ));
    EXPECT_EQ(gst_buffer_memcmp(output, 0, bytes.data, bytes.size), 0);
    gst_buffer_unmap(before, &bytes);
    gst_buffer_unref(before);
    gst_buffer_unref(output);
  });
}

TEST_F(Frames, CutoutIsTransparentWhereTheMaskIsZero) {
  Harness harness(properties("output=cutout"));
  for_all_frames(harness, [&](const Image& picture, const std::string& format, int padding) {
    const Mask mask = reference_mask(reference(), picture, format);
    GstBuffer* output = harness.process(make_buffer(picture, format, padding));
    ASSERT_NE(output, nullptr);
    const std::string made = harness.output_format();
    EXPECT_EQ(made, format[0] == 'B' ? "BGRA" : "RGBA");
    const bool has_alpha = format == made;
    std::vector<std::uint8_t> alpha;
    for (const std::uint8_t index : mask.classes) {
      alpha.push_back(index == 0 ? 0 : has_alpha ? kFiller : 255);
    }
    EXPECT_EQ(read_alpha(output, made, picture.width, picture.height), alpha);
    if (!is_yuv(format)) {
      EXPECT_EQ(read_buffer(output, made, picture.width, picture.height), picture.pixels);
    }
    gst_buffer_unref(output);
  });
}

// A red frame, so that chroma's interpolation does not matter.
TEST_F(Frames, CutoutConvertsColoursOfYuv) {
  for (const std::string& format : kYuvFormats) {
    Harness harness(properties("output=cutout"));
    Image picture{33, 17, {}};
    for (int i = 0; i < 33 * 17; ++i) picture.pixels.insert(picture.pixels.end(), {200, 40, 90});
    harness.set_input(format, 33, 17);
    GstBuffer* output = harness.process(make_buffer(picture, format, 12));
    ASSERT_NE(output, nullptr);
    const auto pixels = read_buffer(output, "RGBA", 33, 17);
    ASSERT_EQ(pixels.size(), picture.pixels.size());
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      ASSERT_NEAR(pixels[i], picture.pixels[i], 4) << format << " at " << i;
    }
    gst_buffer_unref(output);
  }
}

// Contours can be left out, names added; neither reaches outside the frame.
TEST_F(Frames, ContoursAndLabelsAreDrawnOnRequest) {
  Harness harness(properties("alpha=0.25 draw-contours=false"));
  const Image picture = make_picture(160, 120);
  const Mask mask = reference().segment(picture.view());
  harness.set_input("RGB", 160, 120);
  const Image plain = reference_overlay(mask, picture, 0.25, false);
  EXPECT_EQ(harness.process(picture, "RGB"), plain.pixels);
  g_object_set(harness.element(), "draw-labels", TRUE, nullptr);
  EXPECT_NE(harness.process(picture, "RGB"), plain.pixels);
  g_object_set(harness.element(), "draw-labels", FALSE, "draw-contours", TRUE, nullptr);
  EXPECT_EQ(harness.process(picture, "RGB"), reference_overlay(mask, picture, 0.25).pixels);
}

TEST_F(Frames, EightKIsCutLikeAnyOther) {
  const int width = 7680, height = 4320;
  const YuvPicture picture = to_yuv(make_picture(width, height));
  Harness harness(properties("output=mask"));
  harness.set_input("NV12", width, height);
  GstBuffer* output = harness.process(make_buffer(picture, "NV12"));
  ASSERT_NE(output, nullptr);
  EXPECT_EQ(read_buffer(output, "GRAY8", width, height),
            reference().segment(picture.view()).classes);
  gst_buffer_unref(output);
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
  for (const std::string output : {"mask", "overlay", "cutout", "metadata"}) {
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
  for (const std::string output : {"mask", "overlay", "cutout", "metadata"}) {
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
