// The parts of one element and how they work together, apart from what GstBaseTransform asks for.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <stop_token>

#include "failure.h"
#include "loader.h"
#include "settings.h"
#include "stats.h"
#include "streaming.h"
#include "worker.h"

namespace cdfss {

// Threads: the application's (properties, state changes), the streaming thread, the worker's and
// the loader's. Each part has its own lock and no two are ever held together; messages are posted
// and pads are called while none is held.
class Control {
 public:
  explicit Control(GstElement* element);

  // READY to PAUSED: loads, and starts the threads. What failed, to be posted.
  std::optional<Failure> start();
  // PAUSED to READY; waits for one run of the network at most, a frame's or a load's.
  void stop();

  // Any thread.
  Settings settings() const;
  // Stores a property's value, brings what runs up to date, and returns the Change bits.
  unsigned set(guint id, const GValue* value);
  void reload() { loader_.request(); }
  // Upstream's latency and what frames wait for the network, which is nothing with async=true.
  // False when upstream does not know its own.
  bool answer_latency(GstPad* sink_pad, GstQuery* query) const;

  Worker& worker() { return worker_; }
  Stats& stats() { return stats_; }
  Streaming& streaming() { return streaming_; }  // the streaming thread's

 private:
  void load(const std::stop_token& stop);  // the loader's thread
  void finished(const ResultPtr& result);  // the worker's thread
  Settings in_use() const;
  void set_in_use(const Settings& settings);
  void expect_latency(GstClockTime latency);  // any thread

  GstElement* const element_;
  Stats stats_;
  std::atomic<GstClockTime> latency_{0};
  mutable std::mutex lock_;  // guards the next two; nothing is called while it is held
  Settings settings_;
  Settings in_use_;  // what the newest engine was made with
  Worker worker_;
  Streaming streaming_;
  Loader loader_;  // last: its thread uses all of the above
};

}  // namespace cdfss
