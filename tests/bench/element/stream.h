// A pipeline that is measured. Everything here throws std::runtime_error with what GStreamer said.
#pragma once

#include <gst/gst.h>

#include <string>

namespace cdfss {

class Stream {
 public:
  explicit Stream(const std::string& description);  // as in gst-launch
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  GstElement* element(const char* name) const;  // the pipeline owns it
  void play();  // returns when a first frame is at the sinks, or sources are live
  void wait_for_end();
  // Throws what has gone wrong so far.
  void check() { take_messages(0); }
  // A count of the property `stats`, which cdfssseg and sinks have.
  guint64 count(const char* element, const char* field) const;

 private:
  bool take_messages(GstClockTime wait);  // true at the end of the stream
  GstElement* pipeline_;
  GstBus* bus_;
};

// A value for a pipeline's description.
std::string quoted(const std::string& value);

}  // namespace cdfss
