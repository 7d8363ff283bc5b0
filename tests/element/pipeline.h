// Whole pipelines in tests.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "bus_messages.h"

namespace cdfss {

class Pipeline {
 public:
  // `description` as in gst-launch; throws std::runtime_error for one that GStreamer cannot make.
  explicit Pipeline(const std::string& description);
  ~Pipeline();  // in the state NULL
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  GstElement* get() const { return pipeline_; }
  // The pipeline owns it; a test fails when there is none of that name.
  GstElement* element(const std::string& name) const;

  // Calls `action` in the streaming thread with every frame that the fakesink `sink` gets.
  using FrameAction = std::function<void(GstBuffer*, GstCaps*)>;
  void on_frame(const std::string& sink, FrameAction action);

  GstStateChangeReturn set_state(GstState state) { return gst_element_set_state(pipeline_, state); }
  // Waits until a state change is complete, or failed.
  GstStateChangeReturn wait_for_state();

  // Waits for the end of the stream: nothing; or for what ended it early.
  std::optional<BusMessage> wait_for_end();
  // Plays to the end and stops; a test fails when an error or nothing comes instead.
  void play_to_end();
  // Whether the stream ended, or an error did it, within that time; wait_for_end() tells which.
  bool ends_within(GstClockTime time);

  std::vector<BusMessage> messages() { return take_messages(bus_); }

 private:
  GstElement* pipeline_;
  GstBus* bus_;
  std::list<FrameAction> actions_;  // their addresses are the signals'
};

}  // namespace cdfss
