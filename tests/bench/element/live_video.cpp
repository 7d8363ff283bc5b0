#include <algorithm>
#include <chrono>
#include <thread>

#include "measurements.h"
#include "stream.h"

namespace cdfss {
namespace {

constexpr int kRate = 30;  // frames a second

// When frames reach a pad: the longest time between two of them.
struct Gaps {
  GstClockTime last = GST_CLOCK_TIME_NONE;
  GstClockTime longest = 0;
  GstClockTime total = 0;
  int count = 0;

  double longest_ms() const { return static_cast<double>(longest) / GST_MSECOND; }
  double mean_ms() const { return static_cast<double>(total) / count / GST_MSECOND; }
};

GstPadProbeReturn note_arrival(GstPad*, GstPadProbeInfo*, gpointer data) {
  auto* gaps = static_cast<Gaps*>(data);
  const GstClockTime now = gst_util_get_timestamp();
  if (GST_CLOCK_TIME_IS_VALID(gaps->last)) {
    const GstClockTime gap = now - gaps->last;
    gaps->longest = std::max(gaps->longest, gap);
    gaps->total += gap;
    ++gaps->count;
  }
  gaps->last = now;
  return GST_PAD_PROBE_OK;
}

void watch_arrivals(Stream& stream, Gaps& gaps) {
  GstPad* pad = gst_element_get_static_pad(stream.element("sink"), "sink");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, note_arrival, &gaps, nullptr);
  gst_object_unref(pad);
}

// A sink that drops what is more than 5 ms late, as video sinks do.
std::string live_pipeline(const ElementBench& bench) {
  return "videotestsrc is-live=true pattern=ball num-buffers=" +
         std::to_string(kRate * bench.seconds) +
         " ! video/x-raw,format=NV12,width=" + std::to_string(bench.width) +
         ",height=" + std::to_string(bench.height) + ",framerate=" + std::to_string(kRate) +
         "/1 ! cdfssseg name=seg async=true " + bench.properties() +
         " ! fakesink name=sink sync=true qos=true max-lateness=5000000";
}

nlohmann::json counts_of(const Stream& stream, const Gaps& gaps) {
  return {
      {"sink_rendered", stream.count("sink", "rendered")},
      {"sink_dropped_late", stream.count("sink", "dropped")},
      {"frames", stream.count("seg", "frames")},
      {"dropped", stream.count("seg", "dropped")},
      {"inferences", stream.count("seg", "inferences")},
      {"skipped", stream.count("seg", "skipped")},
      {"reloads", stream.count("seg", "reloads")},
      {"mean_latency_ms", static_cast<double>(stream.count("seg", "mean-latency")) / GST_MSECOND},
      {"longest_gap_ms", gaps.longest_ms()},
      {"mean_gap_ms", gaps.mean_ms()}};
}

// Sets one support set and the other in turns for so long.
void replace_for(const ElementBench& bench, Stream& stream) {
  for (int i = 0; i < bench.seconds / 2; ++i) {
    std::this_thread::sleep_for(std::chrono::seconds(2));
    stream.check();
    g_object_set(stream.element("seg"), "support",
                 (i % 2 == 0 ? bench.other_support : bench.support).c_str(), nullptr);
  }
}

}  // namespace

nlohmann::json measure_live(const ElementBench& bench) {
  Gaps gaps;
  Stream stream(live_pipeline(bench));
  watch_arrivals(stream, gaps);
  stream.play();
  stream.wait_for_end();
  return counts_of(stream, gaps);
}

nlohmann::json measure_replacement(const ElementBench& bench) {
  nlohmann::json result;
  {
    Gaps gaps;
    Stream stream(live_pipeline(bench));
    watch_arrivals(stream, gaps);
    stream.play();
    replace_for(bench, stream);
    stream.wait_for_end();
    result["async"] = counts_of(stream, gaps);
  }
  for (const bool replacing : {false, true}) {
    Gaps gaps;
    Stream stream("videotestsrc pattern=ball ! video/x-raw,format=NV12,width=" +
                  std::to_string(bench.width) + ",height=" + std::to_string(bench.height) +
                  " ! cdfssseg name=seg " + bench.properties() + " ! fakesink name=sink");
    watch_arrivals(stream, gaps);
    stream.play();
    if (replacing) {
      replace_for(bench, stream);
    } else {
      std::this_thread::sleep_for(std::chrono::seconds(bench.seconds));
    }
    result[replacing ? "sync" : "sync_undisturbed"] = counts_of(stream, gaps);
  }
  return result;
}

}  // namespace cdfss
