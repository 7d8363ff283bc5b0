#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "cdfss/segmenter.h"
#include "measurements.h"
#include "stream.h"

namespace cdfss {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

// RGB or NV12 as videotestsrc makes them.
ImageView view_of(const GstVideoFrame& frame) {
  const bool rgb = GST_VIDEO_FRAME_FORMAT(&frame) == GST_VIDEO_FORMAT_RGB;
  ImageView view{.format = rgb ? PixelFormat::kRgb : PixelFormat::kNv12,
                 .width = GST_VIDEO_FRAME_WIDTH(&frame),
                 .height = GST_VIDEO_FRAME_HEIGHT(&frame),
                 .matrix = YuvMatrix::kBt709};
  for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES(&frame); ++plane) {
    view.planes[plane] =
        static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, plane));
    view.strides[plane] = GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane);
  }
  return view;
}

// A frame in a pipeline, from when it is pushed to when it comes out.
double pipeline_ms(GstAppSrc* source, GstAppSink* sink, GstBuffer* frame) {
  GstBuffer* own = gst_buffer_copy_deep(frame);  // drawn into in place, as a camera's would be
  const auto start = Clock::now();
  gst_app_src_push_buffer(source, own);
  GstSample* sample = gst_app_sink_pull_sample(sink);
  const double time = ms_since(start);
  if (sample == nullptr) throw std::runtime_error("no frame came out of the pipeline");
  gst_sample_unref(sample);
  return time;
}

double segment_ms(Segmenter& segmenter, const GstVideoInfo& info, GstBuffer* buffer, Mask& mask) {
  GstVideoInfo copy = info;
  GstVideoFrame frame;
  if (!gst_video_frame_map(&frame, &copy, buffer, GST_MAP_READ)) {
    throw std::runtime_error("cannot map a frame");
  }
  const auto start = Clock::now();
  segmenter.segment(view_of(frame), mask);
  const double time = ms_since(start);
  gst_video_frame_unmap(&frame);
  return time;
}

nlohmann::json measure_format(const ElementBench& bench, Segmenter& segmenter,
                              const std::string& format, const std::string& output) {
  const std::string caps = "video/x-raw,format=" + format +
                           ",width=" + std::to_string(bench.width) +
                           ",height=" + std::to_string(bench.height) + ",framerate=30/1";
  Stream camera("videotestsrc pattern=ball num-buffers=1 ! " + caps + " ! appsink name=out");
  Stream stream("appsrc name=in format=time caps=\"" + caps + ",colorimetry=bt709\" ! cdfssseg " +
                bench.properties() + " qos=false output=" + output +
                " ! appsink name=out sync=false async=false");
  auto* source = GST_APP_SRC(stream.element("in"));
  auto* sink = GST_APP_SINK(stream.element("out"));
  camera.play();
  stream.play();
  GstSample* sample = gst_app_sink_pull_sample(GST_APP_SINK(camera.element("out")));
  GstBuffer* frame = gst_sample_get_buffer(sample);
  GstVideoInfo info;
  gst_video_info_from_caps(&info, gst_sample_get_caps(sample));

  Mask mask;
  std::vector<double> alone, more;
  for (int i = -2; i < bench.frames; ++i) {  // two to warm up
    const bool first = i % 2 == 0;
    double in_pipeline = 0;
    if (first) in_pipeline = pipeline_ms(source, sink, frame);
    const double segment = segment_ms(segmenter, info, frame, mask);
    if (!first) in_pipeline = pipeline_ms(source, sink, frame);
    if (i < 0) continue;
    alone.push_back(segment);
    more.push_back(in_pipeline - segment);
  }
  gst_sample_unref(sample);
  stream.check();
  const double segment = median(alone), overhead = median(more);
  return {{"format", format},        {"output", output},
          {"frames", bench.frames},  {"segment_ms", segment},
          {"overhead_ms", overhead}, {"relative_rate", segment / (segment + overhead)}};
}

}  // namespace

nlohmann::json measure_sync(const ElementBench& bench) {
  Segmenter segmenter(bench.model, {.input_size = bench.input_size, .threads = bench.threads});
  segmenter.set_support(SupportSet::load(bench.support));
  nlohmann::json rows = nlohmann::json::array();
  for (const std::string format : {"RGB", "NV12"}) {
    for (const std::string output : {"overlay", "mask"}) {
      rows.push_back(measure_format(bench, segmenter, format, output));
    }
  }
  return rows;
}

}  // namespace cdfss
