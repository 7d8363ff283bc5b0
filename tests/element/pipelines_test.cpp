// The element among others in whole pipelines: several of it, branches that share buffers, live
// sources, and buffers that outlive all of them.
#include <algorithm>
#include <map>

#include "cdfss_segmentation_meta.h"
#include "element_test.h"
#include "pipeline.h"

namespace cdfss {
namespace {

using Pipelines = ElementTest;

std::vector<std::uint8_t> bytes_of(GstBuffer* buffer) {
  GstMapInfo map;
  EXPECT_TRUE(gst_buffer_map(buffer, &map, GST_MAP_READ));
  std::vector<std::uint8_t> bytes(map.data, map.data + map.size);
  gst_buffer_unmap(buffer, &map);
  return bytes;
}

// The masks that a buffer carries, by the name of the element that made them.
std::map<std::string, std::vector<std::uint8_t>> masks_of(GstBuffer* buffer) {
  std::map<std::string, std::vector<std::uint8_t>> masks;
  const GType api = gst_meta_get_info(GST_CDFSS_SEGMENTATION_META_NAME)->api;
  gpointer state = nullptr;
  while (GstMeta* meta = gst_buffer_iterate_meta_filtered(buffer, &state, api)) {
    const GstStructure* results =
        gst_custom_meta_get_structure(reinterpret_cast<GstCustomMeta*>(meta));
    GstBuffer* mask = nullptr;
    EXPECT_TRUE(gst_structure_get(results, "mask", GST_TYPE_BUFFER, &mask, nullptr));
    masks[gst_structure_get_string(results, "source")] = bytes_of(mask);
    gst_buffer_unref(mask);
  }
  return masks;
}

// An RGB frame of 64 x 48 pixels without padding.
ImageView view_of(const std::vector<std::uint8_t>& bytes) {
  return {.width = 64, .height = 48, .planes = {bytes.data()}, .strides = {3 * 64}};
}

const std::string kSource =
    "videotestsrc num-buffers=3 ! video/x-raw,format=RGB,width=64,height=48";

TEST_F(Pipelines, TwoInSeriesEachTellTheirResults) {
  Pipeline pipeline(kSource + " ! cdfssseg name=first output=metadata " + properties() +
                    " ! cdfssseg name=second output=metadata classes=top " + properties() +
                    " ! fakesink name=sink");
  int frames = 0;
  pipeline.on_frame("sink", [&](GstBuffer* buffer, GstCaps*) {
    const auto bytes = bytes_of(buffer);
    auto masks = masks_of(buffer);
    EXPECT_EQ(masks.size(), 2U);
    reference().set_support(SupportSet::load(support_));
    EXPECT_EQ(masks["first"], reference().segment(view_of(bytes)).classes);
    reference().set_support(SupportSet::load(support_).select({"top"}));
    EXPECT_EQ(masks["second"], reference().segment(view_of(bytes)).classes);
    ++frames;
  });
  pipeline.play_to_end();
  EXPECT_EQ(frames, 3);
}

// The branches of a tee get the same buffers: what one draws, another must not see.
TEST_F(Pipelines, BranchesOfATeeDoNotSeeEachOther) {
  std::vector<std::vector<std::uint8_t>> originals, plain, drawn;
  std::vector<std::vector<std::uint8_t>> masks;
  const auto collect = [](std::vector<std::vector<std::uint8_t>>& frames) {
    return [&frames](GstBuffer* buffer, GstCaps*) { frames.push_back(bytes_of(buffer)); };
  };
  Pipeline alone(kSource + " ! fakesink name=sink");
  alone.on_frame("sink", collect(originals));
  alone.play_to_end();

  Pipeline pipeline(kSource + " ! tee name=t ! queue ! cdfssseg alpha=1 " + properties() +
                    " ! fakesink name=drawn t. ! queue ! fakesink name=plain t. ! queue ! cdfssseg "
                    "output=mask " +
                    properties() + " ! fakesink name=mask");
  pipeline.on_frame("plain", collect(plain));
  pipeline.on_frame("drawn", collect(drawn));
  pipeline.on_frame("mask", collect(masks));
  pipeline.play_to_end();
  EXPECT_EQ(plain, originals);
  EXPECT_NE(drawn, originals);
  ASSERT_EQ(masks.size(), 3U);
  for (std::size_t i = 0; i < masks.size(); ++i) {
    EXPECT_EQ(masks[i], reference().segment(view_of(originals[i])).classes) << "frame " << i;
  }
}

TEST_F(Pipelines, BuffersOutliveTheElementAndThePipeline) {
  for (const std::string async : {"false", "true"}) {
    std::vector<GstBuffer*> held;
    {
      Pipeline pipeline(kSource + " ! cdfssseg name=seg output=metadata " +
                        properties("async=" + async) + " ! fakesink name=sink");
      pipeline.on_frame(
          "sink", [&](GstBuffer* buffer, GstCaps*) { held.push_back(gst_buffer_ref(buffer)); });
      pipeline.play_to_end();
    }
    ASSERT_EQ(held.size(), 3U);
    std::vector<std::vector<std::uint8_t>> expected;
    for (GstBuffer* buffer : held) {
      expected.push_back(reference().segment(view_of(bytes_of(buffer))).classes);
    }
    for (GstBuffer* buffer : held) {
      const auto masks = masks_of(buffer);
      EXPECT_TRUE(async == "true" || masks.size() == 1);
      for (const auto& [source, mask] : masks) {
        EXPECT_NE(std::find(expected.begin(), expected.end(), mask), expected.end());
      }
      gst_buffer_unref(buffer);
    }
  }
}

// The network takes several frame intervals; video goes on at its rate and all of it arrives.
TEST_F(Pipelines, AsyncLiveVideoLosesNoFrame) {
  constexpr guint64 kFrames = 45;
  Pipeline pipeline("videotestsrc is-live=true num-buffers=" + std::to_string(kFrames) +
                    " ! video/x-raw,width=320,height=240,framerate=30/1 ! cdfssseg name=seg " +
                    properties("async=true threads=1 device=cpu input-size=321") +
                    " ! fakesink name=sink sync=true");
  pipeline.set_state(GST_STATE_PLAYING);
  const auto failure = pipeline.wait_for_end();
  EXPECT_FALSE(failure) << failure->text;
  GstStructure* sink = nullptr;
  g_object_get(pipeline.element("sink"), "stats", &sink, nullptr);
  guint64 rendered = 0, dropped = 0;
  EXPECT_TRUE(gst_structure_get(sink, "rendered", G_TYPE_UINT64, &rendered, "dropped",
                                G_TYPE_UINT64, &dropped, nullptr));
  gst_structure_free(sink);
  EXPECT_EQ(rendered, kFrames);
  EXPECT_EQ(dropped, 0U);
  GstElement* element = pipeline.element("seg");
  EXPECT_EQ(stat_of(element, "frames"), kFrames);
  EXPECT_EQ(stat_of(element, "dropped"), 0U);
  EXPECT_EQ(stat_of(element, "inferences") + stat_of(element, "skipped"), kFrames);
  EXPECT_LT(stat_of(element, "inferences"), kFrames) << "the network kept up: nothing was tested";
}

}  // namespace
}  // namespace cdfss
