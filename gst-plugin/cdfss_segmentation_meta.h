/* What the element `cdfssseg` tells programs about the frames that leave it.
 *
 * Every buffer whose mask is known carries, whatever the property `output` says,
 *  - a custom meta, GST_CDFSS_SEGMENTATION_META_NAME (below),
 *  - a GstVideoRegionOfInterestMeta for each class that is in the mask: roi_type is its name, its
 *    box is in pixels of the frame, and its parameter structure "cdfss" has the fields `class`
 *    (int), `area` (gint64), `score` (double),
 *  - where the element was built against GStreamer 1.26 or newer, a GstAnalyticsSegmentationMtd
 *    (semantic, the same mask, region id = class number) in its GstAnalyticsRelationMeta, related
 *    to a GstAnalyticsClsMtd with the names and scores ("background", -1 for 0).
 *
 * With `post-messages=true` the element also posts an element message for every mask that it makes,
 * whose structure has the meta's fields but `mask`, `inferred` and `age`.
 *
 * The custom meta's structure (gst_buffer_get_custom_meta(), gst_custom_meta_get_structure()):
 *   source      string        name of the element
 *   mask        GstBuffer     GRAY8, height rows of width bytes, no padding (its GstVideoMeta says
 *                             so, too): 0 = none, i = class-i
 *   width       int           of the mask, pixels
 *   height      int
 *   classes     int           number of classes of the support set
 *   class-1...  GstStructure  one a class: `name` string, `area` gint64 (pixels; 0 = not there),
 *                             `x`, `y`, `width`, `height` int (its box, pixels), `score` double
 *                             (foreground probability at the mean logit of its pixels, 0..1)
 *   timestamp   GstClockTime  (guint64) PTS of the frame that the mask was made from
 *   age         GstClockTime  (guint64) how much older that frame is than this one; 0 for its own
 *   latency     GstClockTime  (guint64) what making the mask took
 *   inferred    boolean       whether the mask was made from this very frame
 *
 * The meta describes the frame's pixels: elements that resize or turn the video drop it.
 */
#ifndef CDFSS_SEGMENTATION_META_H
#define CDFSS_SEGMENTATION_META_H

#define GST_CDFSS_SEGMENTATION_META_NAME "GstCdfssSegmentationMeta"
/* Name of the structure in an element message. */
#define GST_CDFSS_SEGMENTATION_MESSAGE_NAME "cdfss-segmentation"
/* Posted when a model or support set that was changed on a running element is in use; fields:
 * `model`, `support` (strings). */
#define GST_CDFSS_LOADED_MESSAGE_NAME "cdfss-loaded"
#define GST_CDFSS_ROI_PARAMETER_NAME "cdfss"

#endif
