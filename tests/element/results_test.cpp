// What programs learn: metas on buffers, messages, statistics.
#ifdef CDFSS_HAS_ANALYTICS
#include <gst/analytics/analytics.h>
#endif

#include "cdfss_segmentation_meta.h"
#include "element_test.h"

namespace cdfss {
namespace {

class Results : public ElementTest {
 protected:
  GstBuffer* frame(GstClockTime time, const std::string& format = "RGB") {
    GstBuffer* buffer = make_buffer(picture_, format);
    GST_BUFFER_PTS(buffer) = time;
    return buffer;
  }
  Mask expected() { return reference().segment(picture_.view()); }

  const Image picture_ = make_picture(64, 48);
};

const GstStructure* results_of(GstBuffer* buffer) {
  GstCustomMeta* meta = gst_buffer_get_custom_meta(buffer, GST_CDFSS_SEGMENTATION_META_NAME);
  return meta == nullptr ? nullptr : gst_custom_meta_get_structure(meta);
}

GstClockTime time_of(const GstStructure* structure, const char* field) {
  GstClockTime time = GST_CLOCK_TIME_NONE;
  EXPECT_TRUE(gst_structure_get_clock_time(structure, field, &time)) << field;
  return time;
}

int int_of(const GstStructure* structure, const char* field) {
  int value = -1;
  EXPECT_TRUE(gst_structure_get_int(structure, field, &value)) << field;
  return value;
}

// The fields that metas and messages have in common.
void expect_description(const GstStructure* structure, const Mask& mask) {
  EXPECT_EQ(int_of(structure, "width"), mask.width);
  EXPECT_EQ(int_of(structure, "height"), mask.height);
  ASSERT_EQ(int_of(structure, "classes"), static_cast<int>(mask.regions.size()));
  EXPECT_GT(time_of(structure, "latency"), 0U);
  for (std::size_t i = 0; i < mask.regions.size(); ++i) {
    const ClassRegion& region = mask.regions[i];
    GstStructure* entry = nullptr;
    ASSERT_TRUE(gst_structure_get(structure, ("class-" + std::to_string(i + 1)).c_str(),
                                  GST_TYPE_STRUCTURE, &entry, nullptr));
    gint64 area = -1;
    double score = -1;
    EXPECT_TRUE(gst_structure_get(entry, "area", G_TYPE_INT64, &area, "score", G_TYPE_DOUBLE,
                                  &score, nullptr));
    EXPECT_EQ(area, region.area);
    EXPECT_EQ(score, double{region.score});
    EXPECT_EQ(gst_structure_get_string(entry, "name"), region.name);
    EXPECT_EQ(int_of(entry, "x"), region.x);
    EXPECT_EQ(int_of(entry, "y"), region.y);
    EXPECT_EQ(int_of(entry, "width"), region.width);
    EXPECT_EQ(int_of(entry, "height"), region.height);
    gst_structure_free(entry);
  }
}

std::vector<std::uint8_t> mask_bytes(const GstStructure* structure) {
  GstBuffer* mask = nullptr;
  EXPECT_TRUE(gst_structure_get(structure, "mask", GST_TYPE_BUFFER, &mask, nullptr));
  if (mask == nullptr) return {};
  GstMapInfo bytes;
  EXPECT_TRUE(gst_buffer_map(mask, &bytes, GST_MAP_READ));
  std::vector<std::uint8_t> result(bytes.data, bytes.data + bytes.size);
  gst_buffer_unmap(mask, &bytes);
  gst_buffer_unref(mask);
  return result;
}

TEST_F(Results, EveryOutputCarriesThem) {
  const Mask mask = expected();
  for (const std::string output : {"overlay", "mask", "cutout", "metadata"}) {
    SCOPED_TRACE(output);
    GstBuffer* buffer = nullptr;
    {
      Harness harness(properties("name=finder output=" + output));
      harness.set_input("RGB", 64, 48);
      buffer = harness.process(frame(3 * GST_SECOND));
    }  // a buffer outlives its element
    ASSERT_NE(buffer, nullptr);
    const GstStructure* results = results_of(buffer);
    ASSERT_NE(results, nullptr);
    expect_description(results, mask);
    EXPECT_STREQ(gst_structure_get_string(results, "source"), "finder");
    EXPECT_EQ(mask_bytes(results), mask.classes);
    EXPECT_EQ(time_of(results, "timestamp"), 3 * GST_SECOND);
    EXPECT_EQ(time_of(results, "age"), 0U);
    gboolean inferred = FALSE;
    EXPECT_TRUE(gst_structure_get_boolean(results, "inferred", &inferred));
    EXPECT_TRUE(inferred);
    gst_buffer_unref(buffer);
  }
}

TEST_F(Results, EveryClassThatIsThereHasARegionOfInterest) {
  Harness harness(properties("output=metadata"));
  harness.set_input("RGB", 64, 48);
  const Mask mask = expected();
  GstBuffer* buffer = harness.process(frame(0));
  ASSERT_NE(buffer, nullptr);
  std::size_t there = 0, found = 0;
  for (const ClassRegion& region : mask.regions) there += region.area > 0;
  gpointer state = nullptr;
  while (GstMeta* meta = gst_buffer_iterate_meta_filtered(
             buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)) {
    auto* roi = reinterpret_cast<GstVideoRegionOfInterestMeta*>(meta);
    GstStructure* extra =
        gst_video_region_of_interest_meta_get_param(roi, GST_CDFSS_ROI_PARAMETER_NAME);
    ASSERT_NE(extra, nullptr);
    const ClassRegion& region = mask.regions[int_of(extra, "class") - 1];
    EXPECT_EQ(g_quark_to_string(roi->roi_type), region.name);
    EXPECT_EQ(static_cast<int>(roi->x), region.x);
    EXPECT_EQ(static_cast<int>(roi->y), region.y);
    EXPECT_EQ(static_cast<int>(roi->w), region.width);
    EXPECT_EQ(static_cast<int>(roi->h), region.height);
    ++found;
  }
  EXPECT_GT(there, 0U);
  EXPECT_EQ(found, there);
  gst_buffer_unref(buffer);
}

// For programs that know GStreamer's metadata and not this element.
TEST_F(Results, AnalyticsMetadataHasTheSameMask) {
#ifdef CDFSS_HAS_ANALYTICS
  Harness harness(properties("output=metadata"));
  harness.set_input("RGB", 64, 48);
  const Mask mask = expected();
  GstBuffer* buffer = harness.process(frame(0));
  ASSERT_NE(buffer, nullptr);
  GstAnalyticsRelationMeta* relations = gst_buffer_get_analytics_relation_meta(buffer);
  ASSERT_NE(relations, nullptr);
  gpointer state = nullptr;
  GstAnalyticsMtd found;
  ASSERT_TRUE(gst_analytics_relation_meta_iterate(
      relations, &state, gst_analytics_segmentation_mtd_get_mtd_type(), &found));
  guint width = 0, height = 0;
  GstBuffer* pixels =
      gst_analytics_segmentation_mtd_get_mask(&found, nullptr, nullptr, &width, &height);
  EXPECT_EQ(width, 64U);
  EXPECT_EQ(height, 48U);
  EXPECT_EQ(read_buffer(pixels, "GRAY8", 64, 48), mask.classes);
  gst_buffer_unref(pixels);
  GstAnalyticsClsMtd classes;
  ASSERT_TRUE(gst_analytics_relation_meta_get_direct_related(
      relations, found.id, GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_cls_mtd_get_mtd_type(),
      nullptr, &classes));
  ASSERT_EQ(gst_analytics_segmentation_mtd_get_region_count(&found), mask.regions.size() + 1);
  for (std::size_t i = 0; i < mask.regions.size(); ++i) {
    gsize index = 0;
    ASSERT_TRUE(gst_analytics_segmentation_mtd_get_region_index(&found, &index, i + 1));
    EXPECT_EQ(g_quark_to_string(gst_analytics_cls_mtd_get_quark(&classes, index)),
              mask.regions[i].name);
    EXPECT_EQ(gst_analytics_cls_mtd_get_level(&classes, index), mask.regions[i].score);
  }
  gst_buffer_unref(buffer);
#else
  GTEST_SKIP()
      << "built without gstreamer-analytics-1.0, 1.26 or newer (libgstreamer-plugins-bad1.0-dev)";
#endif
}

TEST_F(Results, MessagesComeOnRequest) {
  Harness harness(properties("post-messages=true output=metadata"));
  harness.set_input("RGB", 64, 48);
  GstBuffer* buffer = harness.process(frame(7));
  gst_clear_buffer(&buffer);
  GstMessage* message = harness.wait_for_element_message(GST_CDFSS_SEGMENTATION_MESSAGE_NAME);
  ASSERT_NE(message, nullptr);
  const GstStructure* structure = gst_message_get_structure(message);
  expect_description(structure, expected());
  EXPECT_EQ(time_of(structure, "timestamp"), 7U);
  gst_message_unref(message);
}

TEST_F(Results, MasksAreReusedWithinAnInterval) {
  Harness harness(properties("inference-interval=3 output=metadata"));
  harness.set_input("RGB", 64, 48);
  std::vector<GstClockTime> ages;
  for (int i = 0; i < 7; ++i) {
    GstBuffer* buffer = harness.process(frame(i * GST_SECOND));
    ASSERT_NE(buffer, nullptr);
    const GstStructure* results = results_of(buffer);
    ASSERT_NE(results, nullptr);
    ages.push_back(time_of(results, "age") / GST_SECOND);
    gboolean inferred = FALSE;
    gst_structure_get_boolean(results, "inferred", &inferred);
    EXPECT_EQ(inferred, i % 3 == 0);
    gst_buffer_unref(buffer);
  }
  EXPECT_EQ(ages, (std::vector<GstClockTime>{0, 1, 2, 0, 1, 2, 0}));
}

TEST_F(Results, StatisticsCount) {
  Harness harness(properties("inference-interval=2"));
  harness.set_input("RGB", 64, 48);
  for (int i = 0; i < 5; ++i) {
    GstBuffer* buffer = harness.process(frame(i * GST_SECOND));
    gst_clear_buffer(&buffer);
  }
  gst_harness_push_upstream_event(
      harness.get(), gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 2.0, GST_SECOND, 4 * GST_SECOND));
  EXPECT_EQ(harness.process(frame(4 * GST_SECOND)), nullptr) << "is too late";
  GstStructure* stats = nullptr;
  g_object_get(harness.element(), "stats", &stats, nullptr);
  const auto count = [&](const char* field) {
    guint64 value = 99;
    EXPECT_TRUE(gst_structure_get_uint64(stats, field, &value)) << field;
    return value;
  };
  EXPECT_EQ(count("frames"), 6U);
  EXPECT_EQ(count("inferences"), 3U);
  EXPECT_EQ(count("dropped"), 1U);
  EXPECT_EQ(count("skipped"), 0U);
  EXPECT_GT(count("mean-latency"), 0U);
  EXPECT_GE(count("p95-latency"), count("mean-latency") / 2);
  EXPECT_EQ(count("mask-age"), 0U);
  gst_structure_free(stats);
}

TEST_F(Results, StatisticsNameWhatTheNetworkRunsOn) {
  Harness harness(properties("device=cpu precision=fp32 input-size=49"));
  harness.set_input("RGB", 64, 48);
  GstStructure* stats = nullptr;
  g_object_get(harness.element(), "stats", &stats, nullptr);
  EXPECT_STREQ(gst_structure_get_string(stats, "device"), "cpu");
  EXPECT_STREQ(gst_structure_get_string(stats, "precision"), "fp32");
  int input_size = 0;
  EXPECT_TRUE(gst_structure_get_int(stats, "input-size", &input_size));
  EXPECT_EQ(input_size, 49);
  gst_structure_free(stats);
}

TEST_F(Results, RunsInInt8) {
  if (!__builtin_cpu_supports("avx512vnni") && !__builtin_cpu_supports("avxvnni")) {
    GTEST_SKIP() << "no int8 on this CPU";
  }
  Harness harness(properties("device=cpu precision=int8 input-size=49 output=mask"));
  harness.set_input("RGB", 64, 48);
  GstStructure* stats = nullptr;
  g_object_get(harness.element(), "stats", &stats, nullptr);
  EXPECT_STREQ(gst_structure_get_string(stats, "precision"), "int8");
  gst_structure_free(stats);
  GstBuffer* const out = harness.process(frame(0));
  ASSERT_NE(out, nullptr);
  gst_buffer_unref(out);
}

}  // namespace
}  // namespace cdfss
