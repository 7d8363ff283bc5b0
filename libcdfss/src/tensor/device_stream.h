// Streams of any device: what is enqueued on one runs in order, beside the others. The CPU has one
// that runs everything at once.
#pragma once

#include <c10/core/Event.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <optional>

namespace cdfss {

// One of the device's streams beside the default one; more than it has are shared.
inline c10::Stream new_stream(c10::Device device) {
  return c10::impl::VirtualGuardImpl(device.type()).getNewStream(device);
}

// The calling thread's, on which a device's operations are enqueued.
inline c10::Stream current_stream(c10::Device device) {
  return c10::impl::VirtualGuardImpl(device.type()).getStream(device);
}

// A place in a stream, for another to wait for. Memory that crosses from one to the other must be
// kept until that has got past what it does with it.
class StreamMark {
 public:
  // Behind what is enqueued so far on `device`'s current stream.
  explicit StreamMark(c10::Device device) : device_(device) {
    if (device.is_cpu()) return;  // which has no events, and is done with everything
    event_.emplace(device.type());
    event_->record(current_stream(device));
  }

  // What is enqueued from now on on the device's current stream runs when the place is reached.
  void hold_up_current() const {
    if (event_) event_->block(current_stream(device_));
  }

 private:
  c10::Device device_;
  std::optional<c10::Event> event_;
};

}  // namespace cdfss
