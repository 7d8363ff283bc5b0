// One value of the property `output` for the whole of a caps query.
#pragma once

#include "settings.h"

namespace cdfss {

// GstBaseTransform answers one caps query with several transformations, there and back again. Were
// the property set in between, they would contradict each other and the answer would be "no caps",
// which ends the stream. While a snapshot lives, find() gives its value to the thread that made it.
class OutputSnapshot {
 public:
  OutputSnapshot(const void* element, Output output)
      : element_(element), output_(output), outer_(innermost) {
    innermost = this;
  }
  ~OutputSnapshot() { innermost = outer_; }
  OutputSnapshot(const OutputSnapshot&) = delete;
  OutputSnapshot& operator=(const OutputSnapshot&) = delete;

  // The value that this thread holds for the element, null when it holds none. A query goes on to
  // the peers, where another element of this kind may make its own snapshot.
  static const Output* find(const void* element) {
    const OutputSnapshot* snapshot = innermost;
    while (snapshot != nullptr && snapshot->element_ != element) snapshot = snapshot->outer_;
    return snapshot == nullptr ? nullptr : &snapshot->output_;
  }

 private:
  static inline thread_local const OutputSnapshot* innermost = nullptr;
  const void* element_;
  Output output_;
  const OutputSnapshot* outer_;
};

}  // namespace cdfss
