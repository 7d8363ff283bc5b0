// Streams and events against a made-up device that writes down what it is asked for.
#include "tensor/device_stream.h"

#include <c10/core/StreamGuard.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cdfss {
namespace {

constexpr c10::DeviceType kMadeUp = c10::DeviceType::PrivateUse1;

class Recorder final : public c10::impl::DeviceGuardImplInterface {
 public:
  c10::DeviceType type() const override { return kMadeUp; }
  c10::Device exchangeDevice(c10::Device /*device*/) const override { return getDevice(); }
  c10::Device getDevice() const override { return {kMadeUp, 0}; }
  void setDevice(c10::Device /*device*/) const override {}
  void uncheckedSetDevice(c10::Device /*device*/) const noexcept override {}
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  c10::Stream getStream(c10::Device device) const override {
    return c10::Stream(c10::Stream::UNSAFE, device, current);
  }
  c10::Stream getNewStream(c10::Device device, int /*priority*/) const override {
    return c10::Stream(c10::Stream::UNSAFE, device, ++streams);
  }
  c10::Stream exchangeStream(c10::Stream stream) const override {
    const c10::Stream before = getStream(stream.device());
    current = stream.id();
    return before;
  }
  void record(void** event, const c10::Stream& stream, const c10::DeviceIndex /*index*/,
              const c10::EventFlag /*flag*/) const override {
    *event = &said;
    said.push_back("record on " + std::to_string(stream.id()));
  }
  void block(void* /*event*/, const c10::Stream& stream) const override {
    said.push_back("block " + std::to_string(stream.id()));
  }
  void destroyEvent(void* /*event*/, const c10::DeviceIndex /*index*/) const noexcept override {
    ++destroyed;
  }

  mutable std::vector<std::string> said;
  mutable c10::StreamId current = 0, streams = 0;
  mutable int destroyed = 0;
};

Recorder& recorder() {
  static Recorder instance;
  static const c10::impl::DeviceGuardImplRegistrar registered(kMadeUp, &instance);
  return instance;
}

TEST(StreamMark, MakesOneStreamWaitForAnother) {
  Recorder& device = recorder();
  const c10::Device here(kMadeUp, 0);
  const c10::Stream upload = new_stream(here), compute = new_stream(here);
  EXPECT_NE(upload, compute);
  {
    std::optional<StreamMark> mark;
    {
      const c10::StreamGuard on_upload(upload);
      EXPECT_EQ(current_stream(here), upload);
      mark.emplace(here);
    }
    const c10::StreamGuard on_compute(compute);
    mark->hold_up_current();
    EXPECT_EQ(device.said, (std::vector<std::string>{"record on 1", "block 2"}));
    EXPECT_EQ(device.destroyed, 0);
  }
  EXPECT_EQ(device.destroyed, 1);
}

// The CPU has neither streams nor events: everything is done when it was asked for.
TEST(StreamMark, IsNothingOnTheCpu) {
  const c10::Device cpu(c10::kCPU);
  const c10::StreamGuard on(new_stream(cpu));
  const StreamMark mark(cpu);
  mark.hold_up_current();
  current_stream(cpu).synchronize();
}

}  // namespace
}  // namespace cdfss
