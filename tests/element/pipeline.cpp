#include "pipeline.h"

#include <gtest/gtest.h>

#include <utility>

#include "launch.h"

namespace cdfss {
namespace {

constexpr auto kEnds = static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS);

}  // namespace

Pipeline::Pipeline(const std::string& description)
    : pipeline_(launch(description)), bus_(gst_element_get_bus(pipeline_)) {}

Pipeline::~Pipeline() {
  set_state(GST_STATE_NULL);
  gst_object_unref(bus_);
  gst_object_unref(pipeline_);
}

GstElement* Pipeline::element(const std::string& name) const {
  GstElement* found = gst_bin_get_by_name(GST_BIN(pipeline_), name.c_str());
  EXPECT_NE(found, nullptr) << "no element is called " << name;
  if (found != nullptr) gst_object_unref(found);
  return found;
}

void Pipeline::on_frame(const std::string& sink, FrameAction action) {
  actions_.push_back(std::move(action));
  g_object_set(element(sink), "signal-handoffs", TRUE, nullptr);
  const auto handoff = +[](GstElement*, GstBuffer* buffer, GstPad* pad, FrameAction* action) {
    GstCaps* caps = gst_pad_get_current_caps(pad);
    (*action)(buffer, caps);
    gst_caps_unref(caps);
  };
  g_signal_connect(element(sink), "handoff", G_CALLBACK(handoff), &actions_.back());
}

GstStateChangeReturn Pipeline::wait_for_state() {
  return gst_element_get_state(pipeline_, nullptr, nullptr, kPatience);
}

std::optional<BusMessage> Pipeline::wait_for_end() {
  GstMessage* message = gst_bus_timed_pop_filtered(bus_, kPatience, kEnds);
  if (message == nullptr) return BusMessage{GST_MESSAGE_UNKNOWN, 0, 0, "no end of stream", ""};
  std::optional<BusMessage> result;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) result = read_message(message);
  gst_message_unref(message);
  return result;
}

void Pipeline::play_to_end() {
  EXPECT_NE(set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  const auto failure = wait_for_end();
  EXPECT_FALSE(failure) << failure->source << ": " << failure->text;
  EXPECT_EQ(set_state(GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
}

bool Pipeline::ends_within(GstClockTime time) {
  GstMessage* message = gst_bus_timed_pop_filtered(bus_, time, kEnds);
  if (message == nullptr) return false;
  gst_bus_post(bus_, message);  // for wait_for_end()
  return true;
}

}  // namespace cdfss
