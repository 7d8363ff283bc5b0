// Pipelines and elements from text.
#pragma once

#include <gst/gst.h>

#include <stdexcept>
#include <string>

namespace cdfss {

// What gst-launch would make of the description; the caller owns it. Throws std::runtime_error with
// what GStreamer said.
inline GstElement* launch(const std::string& description) {
  GError* error = nullptr;
  GstElement* element =
      gst_parse_launch_full(description.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (element == nullptr) {
    const std::string text = error->message;
    g_error_free(error);
    throw std::runtime_error(text + ": " + description);
  }
  gst_object_ref_sink(element);
  return element;
}

}  // namespace cdfss
