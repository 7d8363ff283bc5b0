#include "bus_messages.h"

namespace cdfss {

BusMessage read_message(GstMessage* message) {
  GError* error = nullptr;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error(message, &error, nullptr);
  } else {
    gst_message_parse_warning(message, &error, nullptr);
  }
  BusMessage result{GST_MESSAGE_TYPE(message), error->domain, error->code, error->message,
                    GST_MESSAGE_SRC_NAME(message)};
  g_error_free(error);
  return result;
}

std::vector<BusMessage> take_messages(GstBus* bus) {
  std::vector<BusMessage> result;
  const auto types = static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
  while (GstMessage* message = gst_bus_pop_filtered(bus, types)) {
    result.push_back(read_message(message));
    gst_message_unref(message);
  }
  return result;
}

}  // namespace cdfss
