#include "stats.h"

#include <algorithm>
#include <vector>

namespace cdfss {

void Stats::reset() {
  const std::lock_guard held(lock_);
  frames_ = dropped_ = skipped_ = inferences_ = reloads_ = 0;
  total_latency_ = mask_age_ = 0;
}

void Stats::set_network(const Segmenter& segmenter) {
  const std::lock_guard held(lock_);
  device_ = segmenter.device();
  precision_ = to_string(segmenter.precision());
  input_size_ = segmenter.input_size();
}

void Stats::add_frame() {
  const std::lock_guard held(lock_);
  ++frames_;
}

void Stats::add_dropped() {
  const std::lock_guard held(lock_);
  ++dropped_;
}

void Stats::add_skipped() {
  const std::lock_guard held(lock_);
  ++skipped_;
}

void Stats::add_reload() {
  const std::lock_guard held(lock_);
  ++reloads_;
}

void Stats::add_inference(GstClockTime latency) {
  const std::lock_guard held(lock_);
  latencies_[inferences_++ % kWindow] = latency;
  total_latency_ += latency;
}

void Stats::set_mask_age(GstClockTime age) {
  const std::lock_guard held(lock_);
  mask_age_ = age;
}

GstClockTime Stats::p95_latency() const {
  const std::lock_guard held(lock_);
  return p95_locked();
}

GstClockTime Stats::p95_locked() const {
  const auto count = static_cast<std::ptrdiff_t>(std::min<guint64>(inferences_, kWindow));
  if (count == 0) return 0;
  std::vector<GstClockTime> sorted(latencies_.begin(), latencies_.begin() + count);
  const auto position = sorted.begin() + (95 * (count - 1) + 99) / 100;
  std::nth_element(sorted.begin(), position, sorted.end());
  return *position;
}

GstStructure* Stats::structure() const {
  const std::lock_guard held(lock_);
  return gst_structure_new(
      "cdfssseg-stats", "frames", G_TYPE_UINT64, frames_, "inferences", G_TYPE_UINT64, inferences_,
      "dropped", G_TYPE_UINT64, dropped_, "skipped", G_TYPE_UINT64, skipped_, "reloads",
      G_TYPE_UINT64, reloads_, "mean-latency", GST_TYPE_CLOCK_TIME,
      inferences_ == 0 ? GstClockTime{0} : total_latency_ / inferences_, "p95-latency",
      GST_TYPE_CLOCK_TIME, p95_locked(), "mask-age", GST_TYPE_CLOCK_TIME, mask_age_, "device",
      G_TYPE_STRING, device_.c_str(), "precision", G_TYPE_STRING, precision_.c_str(), "input-size",
      G_TYPE_INT, input_size_, nullptr);
}

}  // namespace cdfss
