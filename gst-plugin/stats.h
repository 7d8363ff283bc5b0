// What a running element counts and measures.
#pragma once

#include <gst/gst.h>

#include <array>
#include <mutex>
#include <string>

#include "cdfss/segmenter.h"

namespace cdfss {

class Stats {
 public:
  void reset();
  void set_network(const Segmenter& segmenter);  // what it runs on, until the next
  void add_frame();                              // came in
  void add_dropped();  // came in too late and went no further (quality of service)
  void add_skipped();  // was offered for inference and gave way to a newer one
  void add_reload();   // of model or support set
  void add_inference(GstClockTime latency);
  void set_mask_age(GstClockTime age);  // of the mask that the newest frame got

  // The 95th percentile of the last kWindow inferences, 0 before the first.
  GstClockTime p95_latency() const;

  // The value of the property `stats`: "cdfssseg-stats" with the fields that the element reference
  // lists. Caller owns it.
  GstStructure* structure() const;

 private:
  static constexpr std::size_t kWindow = 128;
  GstClockTime p95_locked() const;

  mutable std::mutex lock_;  // innermost; guards what follows
  guint64 frames_ = 0, dropped_ = 0, skipped_ = 0, inferences_ = 0, reloads_ = 0;
  GstClockTime total_latency_ = 0;
  GstClockTime mask_age_ = 0;
  std::array<GstClockTime, kWindow> latencies_{};  // a ring
  std::string device_, precision_;                 // empty: none was loaded
  int input_size_ = 0;
};

}  // namespace cdfss
