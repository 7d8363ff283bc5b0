#include "control.h"

#include <memory>
#include <utility>

#include "cdfss_segmentation_meta.h"
#include "debug.h"
#include "properties.h"
#include "segmentation_meta.h"

namespace cdfss {
namespace {

std::unique_ptr<Engine> make_engine(GstElement* element, const Settings& settings, bool warm,
                                    const std::stop_token& stop) {
  auto engine = std::make_unique<Engine>(settings, warm, stop);
  const Segmenter& segmenter = engine->segmenter();
  GST_INFO_OBJECT(element, "loaded %s on %s, input size %d, %zu class(es) of %s",
                  settings.model.c_str(), segmenter.device().c_str(), segmenter.input_size(),
                  segmenter.class_names().size(), settings.support.c_str());
  return engine;
}

// Empty: none.
std::string watched_folder(const Settings& settings) {
  return settings.watch ? settings.support : "";
}

}  // namespace

Control::Control(GstElement* element)
    : element_(element),
      worker_([this](const ResultPtr& result) { finished(result); }),
      streaming_(element, worker_, stats_),
      loader_([this](const std::stop_token& stop) { load(stop); }) {}

std::optional<Failure> Control::start() {
  stats_.reset();
  // First: what is set, or changed in the folder, from here on is loaded after this.
  loader_.start(watched_folder(this->settings()));
  const Settings settings = this->settings();
  loader_.watch(watched_folder(settings));  // where that has been set in between
  set_in_use(settings);
  const auto failure = guard([&] {
    auto engine = make_engine(element_, settings, false, {});
    latency_ = static_cast<GstClockTime>(engine->expected_latency().count());
    stats_.set_network(engine->segmenter());
    worker_.start(std::move(engine));
  });
  if (failure) {
    loader_.stop();
    return failure;
  }
  return std::nullopt;
}

void Control::stop() {
  loader_.stop();
  worker_.stop();
  streaming_.reset();
}

Settings Control::settings() const {
  const std::lock_guard held(lock_);
  return settings_;
}

Settings Control::in_use() const {
  const std::lock_guard held(lock_);
  return in_use_;
}

void Control::set_in_use(const Settings& settings) {
  const std::lock_guard held(lock_);
  in_use_ = settings;
}

unsigned Control::set(guint id, const GValue* value) {
  unsigned changes = kNoChange;
  Settings settings;
  {
    const std::lock_guard held(lock_);
    changes = set_property(settings_, id, value);
    settings = settings_;
  }
  if ((changes & kThresholdChange) != 0) worker_.set_threshold(settings.threshold);
  if ((changes & kSmoothingChange) != 0) {
    worker_.set_temporal_smoothing(settings.temporal_smoothing);
  }
  if ((changes & kEngineChange) != 0) loader_.request();
  if ((changes & kWatchChange) != 0) loader_.watch(watched_folder(settings));
  if ((changes & kLatencyChange) != 0) {
    gst_element_post_message(element_, gst_message_new_latency(GST_OBJECT(element_)));
  }
  return changes;
}

bool Control::answer_latency(GstPad* sink_pad, GstQuery* query) const {
  if (!gst_pad_peer_query(sink_pad, query)) return false;
  gboolean live = FALSE;
  GstClockTime least = 0, most = 0;
  gst_query_parse_latency(query, &live, &least, &most);
  const GstClockTime own = settings().async ? 0 : latency_.load();
  gst_query_set_latency(query, live, least + own,
                        GST_CLOCK_TIME_IS_VALID(most) ? most + own : most);
  return true;
}

void Control::load(const std::stop_token& stop) {
  const Settings settings = this->settings();
  const auto failure = guard([&] {
    const bool warm = settings.same_network(in_use());
    auto engine = make_engine(element_, settings, warm, stop);
    const auto latency = static_cast<GstClockTime>(engine->expected_latency().count());
    stats_.set_network(engine->segmenter());
    worker_.replace(std::move(engine));
    set_in_use(settings);
    stats_.add_reload();
    if (!warm) expect_latency(latency);
  });
  if (stop.stop_requested()) return;
  if (failure) {
    post_warning(element_, *failure);
    return;
  }
  gst_element_post_message(
      element_,
      gst_message_new_element(GST_OBJECT(element_),
                              gst_structure_new(GST_CDFSS_LOADED_MESSAGE_NAME, "model",
                                                G_TYPE_STRING, settings.model.c_str(), "support",
                                                G_TYPE_STRING, settings.support.c_str(), nullptr)));
}

void Control::finished(const ResultPtr& result) {
  stats_.add_inference(result->latency);
  expect_latency(stats_.p95_latency());
  if (settings().post_messages) {
    gst_element_post_message(element_, segmentation_message(element_, *result));
  }
}

// The pipeline configures its latency anew only for what matters: a tenth more, or half.
void Control::expect_latency(GstClockTime latency) {
  const GstClockTime told = latency_;
  if (latency <= told + told / 10 && latency >= told / 2) return;
  latency_ = latency + latency / 10;
  if (!settings().async) {
    gst_element_post_message(element_, gst_message_new_latency(GST_OBJECT(element_)));
  }
}

}  // namespace cdfss
