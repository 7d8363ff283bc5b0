// Memory of a stream that runs on and on.
#include <malloc.h>

#include <fstream>
#include <string>
#include <thread>

#include "element_test.h"

namespace cdfss {
namespace {

class Growth : public ElementTest {
 protected:
  // Bytes that the process has allocated and not freed. glibc's own count, so a sanitizer, which
  // brings another allocator, sees nothing here.
  static std::size_t live_bytes() {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
  }

  // From the 100th frame to the 1,000th, with every output, metas and messages.
  void expect_none(const std::string& more) {
    constexpr int kWarm = 100, kFrames = 1000;
    constexpr std::size_t kSlack = 64 << 10;  // 73 bytes a frame
    Harness harness(properties("post-messages=true draw-labels=true " + more));
    harness.set_input("RGB", 33, 21);
    const Image picture = make_picture(33, 21);
    std::size_t before = 0;
    for (int i = 1; i <= kFrames; ++i) {
      g_object_set(harness.element(), "output", i / 10 % 4, nullptr);
      GstBuffer* frame = make_buffer(picture, "RGB");
      GST_BUFFER_PTS(frame) = i * GST_MSECOND;
      GstBuffer* output = harness.process(frame);
      ASSERT_NE(output, nullptr);
      gst_buffer_unref(output);
      harness.drop_messages();
      if (i != kWarm && i != kFrames) continue;
      while (harness.stat("inferences") + harness.stat("skipped") < harness.stat("frames")) {
        std::this_thread::yield();
      }
      harness.drop_messages();
      if (i == kWarm) before = live_bytes();
    }
    EXPECT_LT(live_bytes(), before + kSlack);
  }
};

TEST_F(Growth, NoneInAThousandFrames) { expect_none(""); }
TEST_F(Growth, NoneInAThousandAsyncFrames) { expect_none("async=true"); }

// MB that /proc/self/status has under `field`.
double status_megabytes(const std::string& field) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field + ":")) return std::stod(line.substr(field.size() + 1)) * 1024 / 1e6;
  }
  ADD_FAILURE() << "no " << field;
  return 0;
}

// Its mask has a byte a pixel; nothing else may be of its size, as probabilities would be.
TEST_F(Growth, An8kFrameTakesAByteAPixel) {
  constexpr int kWidth = 7680, kHeight = 4320;
  Harness harness(properties());
  harness.set_input("NV12", kWidth, kHeight);
  GstBuffer* frame = gst_buffer_new_allocate(nullptr, kWidth * kHeight * 3 / 2, nullptr);
  gst_buffer_memset(frame, 0, 128, kWidth * kHeight * 3 / 2);
  if (!(std::ofstream("/proc/self/clear_refs") << 5 << std::flush)) {
    gst_buffer_unref(frame);
    GTEST_SKIP() << "/proc/self/clear_refs, which resets the peak of memory, cannot be written";
  }
  const double before = status_megabytes("VmRSS");
  GstBuffer* output = harness.process(frame);
  const double peak = status_megabytes("VmHWM");
  ASSERT_NE(output, nullptr);
  gst_buffer_unref(output);
  EXPECT_LT(peak - before, 1.5 * kWidth * kHeight / 1e6);
}

}  // namespace
}  // namespace cdfss
