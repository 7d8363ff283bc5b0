#include "stream.h"

#include <stdexcept>

#include "launch.h"

namespace cdfss {

Stream::Stream(const std::string& description)
    : pipeline_(launch(description)), bus_(gst_element_get_bus(pipeline_)) {}

Stream::~Stream() {
  gst_element_set_state(pipeline_, GST_STATE_NULL);
  gst_object_unref(bus_);
  gst_object_unref(pipeline_);
}

GstElement* Stream::element(const char* name) const {
  GstElement* found = gst_bin_get_by_name(GST_BIN(pipeline_), name);
  if (found == nullptr) throw std::runtime_error(std::string("no element ") + name);
  gst_object_unref(found);
  return found;
}

void Stream::play() {
  gst_element_set_state(pipeline_, GST_STATE_PLAYING);
  const GstStateChangeReturn result =
      gst_element_get_state(pipeline_, nullptr, nullptr, GST_CLOCK_TIME_NONE);
  check();
  if (result == GST_STATE_CHANGE_FAILURE) throw std::runtime_error("the pipeline does not start");
}

void Stream::wait_for_end() {
  while (!take_messages(GST_SECOND)) {
  }
}

bool Stream::take_messages(GstClockTime wait) {
  const auto types =
      static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS | GST_MESSAGE_WARNING);
  bool ended = false;
  while (GstMessage* message = gst_bus_timed_pop_filtered(bus_, wait, types)) {
    wait = 0;
    std::string text;
    GError* error = nullptr;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
      ended = true;
    } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
      gst_message_parse_error(message, &error, nullptr);
    } else {
      gst_message_parse_warning(message, &error, nullptr);
    }
    gst_message_unref(message);
    if (error != nullptr) {
      text = error->message;
      g_error_free(error);
      throw std::runtime_error(text);
    }
  }
  return ended;
}

guint64 Stream::count(const char* name, const char* field) const {
  GstStructure* stats = nullptr;
  g_object_get(element(name), "stats", &stats, nullptr);
  guint64 value = 0;
  const bool there = gst_structure_get_uint64(stats, field, &value);
  gst_structure_free(stats);
  if (!there) throw std::runtime_error(std::string(name) + " counts no " + field);
  return value;
}

std::string quoted(const std::string& value) {
  gchar* escaped = g_strescape(value.c_str(), nullptr);
  const std::string result = std::string("\"") + escaped + "\"";
  g_free(escaped);
  return result;
}

}  // namespace cdfss
