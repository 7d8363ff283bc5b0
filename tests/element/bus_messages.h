// Errors and warnings that elements posted.
#pragma once

#include <gst/gst.h>

#include <string>
#include <vector>

namespace cdfss {

inline constexpr GstClockTime kPatience = 120 * GST_SECOND;  // with a busy machine

struct BusMessage {
  GstMessageType type;
  GQuark domain;
  int code;
  std::string text;
  std::string source;  // name of the element
};

// What a message of the type ERROR or WARNING says.
BusMessage read_message(GstMessage* message);
// Takes all errors and warnings from a bus.
std::vector<BusMessage> take_messages(GstBus* bus);

}  // namespace cdfss
