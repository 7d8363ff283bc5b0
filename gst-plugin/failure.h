// C++ exceptions to GStreamer messages: no exception crosses a vfunc.
#pragma once

#include <gst/gst.h>

#include <optional>
#include <string>
#include <utility>

namespace cdfss {

// What an ERROR or WARNING message says. Made where something fails, posted by the caller once it
// holds no lock and no mapped frame.
struct Failure {
  GQuark domain;
  gint code;
  std::string message;
};

// The exception being handled, in the codes of the element reference (docs/cdfssseg.md); call it
// only inside a catch block.
Failure current_failure();

// Runs `function`; an exception becomes the returned failure.
template <typename Function>
std::optional<Failure> guard(Function&& function) {
  try {
    std::forward<Function>(function)();
    return std::nullopt;
  } catch (...) {
    return current_failure();
  }
}

void post_error(GstElement* element, const Failure& failure);
void post_warning(GstElement* element, const Failure& failure);

}  // namespace cdfss
