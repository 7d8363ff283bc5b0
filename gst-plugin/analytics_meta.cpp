#include "analytics_meta.h"

#ifdef CDFSS_HAS_ANALYTICS
#include <gst/analytics/analytics.h>

#include <numeric>
#include <vector>
#endif

namespace cdfss {

#ifdef CDFSS_HAS_ANALYTICS
void attach_analytics(GstBuffer* buffer, const Mask& mask, GstBuffer* mask_buffer) {
  const std::size_t count = mask.regions.size() + 1;
  std::vector<guint> ids(count);
  std::iota(ids.begin(), ids.end(), 0U);
  std::vector<GQuark> names{g_quark_from_static_string("background")};
  std::vector<gfloat> scores{-1.0F};
  for (const ClassRegion& region : mask.regions) {
    names.push_back(g_quark_from_string(region.name.c_str()));
    scores.push_back(region.score);
  }
  GstAnalyticsRelationMeta* relations = gst_buffer_get_analytics_relation_meta(buffer);
  if (relations == nullptr) relations = gst_buffer_add_analytics_relation_meta(buffer);
  GstAnalyticsSegmentationMtd segmentation;
  GstAnalyticsClsMtd classes;
  gst_analytics_relation_meta_add_segmentation_mtd(
      relations, gst_buffer_ref(mask_buffer), GST_SEGMENTATION_TYPE_SEMANTIC, count, ids.data(), 0,
      0, static_cast<guint>(mask.width), static_cast<guint>(mask.height), &segmentation);
  gst_analytics_relation_meta_add_cls_mtd(relations, count, scores.data(), names.data(), &classes);
  gst_analytics_relation_meta_set_relation(relations, GST_ANALYTICS_REL_TYPE_RELATE_TO,
                                           segmentation.id, classes.id);
}
#else
void attach_analytics(GstBuffer*, const Mask&, GstBuffer*) {}
#endif

}  // namespace cdfss
