// The example programs, as a user runs them.
#include <cstdio>
#include <cstdlib>

#include "../cli/process.h"
#include "element_test.h"

namespace cdfss {
namespace {

using testing::ProcessResult;

class Examples : public ElementTest {
 protected:
  void SetUp() override {
    ElementTest::SetUp();
    video_ = folder_ / "clip.avi";
    const ProcessResult made = testing::run_shell(
        "gst-launch-1.0 -q videotestsrc num-buffers=3 ! video/x-raw,width=96,height=64 ! jpegenc ! "
        "avimux ! filesink location=" +
        testing::quoted(video_));
    ASSERT_EQ(made.exit_code, 0) << made.errors;
  }
  ProcessResult run(const std::string& program, const std::string& support) {
    return testing::run_shell("CDFSS_MODEL=" + testing::quoted(model_) + " " + program + " " +
                              testing::quoted(video_) + " " + testing::quoted(support));
  }
  // One line for each class that is there in each of three frames, and a clear complaint.
  void expect_works(const std::string& program) {
    const ProcessResult result = run(program, support_);
    ASSERT_EQ(result.exit_code, 0) << result.errors;
    for (const char* part : {"0.000 s", "0.033 s", "0.067 s", " pixels in [", "score 0."}) {
      EXPECT_NE(result.output.find(part), std::string::npos) << part << "\n" << result.output;
    }
    const ProcessResult failed = run(program, "/nowhere/fish");
    EXPECT_EQ(failed.exit_code, 1);
    EXPECT_NE(failed.errors.find("/nowhere/fish"), std::string::npos) << failed.errors;
  }
  std::filesystem::path video_;
};

// What a user reads first; a property or a pad that GStreamer finds odd is a warning.
TEST_F(Examples, GstInspectWarnsOfNothing) {
  const ProcessResult result =
      testing::run_shell("G_DEBUG=fatal-warnings gst-inspect-1.0 cdfssseg");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.errors, "");
  for (const char* part :
       {"Filter/Video", "License                  MIT/X11", "(1): mask", "\"reload\"",
        "Range:              -1 -               1 Default:              -1"}) {
    EXPECT_NE(result.output.find(part), std::string::npos) << part << "\n" << result.output;
  }
}

TEST_F(Examples, Cpp) { expect_works(testing::program("tests/element/read_masks")); }

TEST_F(Examples, Python) {
  const char* source = std::getenv("CDFSS_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run by meson test";
  const std::string python = "/usr/bin/python3";
  const ProcessResult bindings = testing::run_shell(
      python +
      " -c \"import gi; gi.require_version('Gst', '1.0'); from gi.repository import Gst\"");
  if (bindings.exit_code != 0) {
    GTEST_SKIP() << "GStreamer's Python bindings are not there: apt install python3-gi "
                    "gir1.2-gstreamer-1.0";
  }
  expect_works(python + " " +
               testing::quoted(std::string(source) + "/gst-plugin/examples/read_masks.py"));
}

}  // namespace
}  // namespace cdfss
