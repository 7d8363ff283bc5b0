// Everything that keeps the element from starting: one ERROR message with its code, naming the
// offender.
#include <fstream>
#include <functional>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "element_test.h"
#include "pipeline.h"

namespace cdfss {
namespace {

namespace fs = std::filesystem;

class Errors : public ElementTest {
 protected:
  // Runs a pipeline with these properties and expects that it fails with this one message.
  void expect_error(const std::string& properties, GQuark domain, int code,
                    const std::vector<std::string>& words) {
    SCOPED_TRACE(properties);
    Pipeline pipeline("videotestsrc num-buffers=3 ! cdfssseg name=seg " + properties +
                      " ! fakesink");
    EXPECT_EQ(pipeline.set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
    const auto messages = pipeline.messages();
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_EQ(messages[0].type, GST_MESSAGE_ERROR);
    EXPECT_EQ(messages[0].source, "seg");
    EXPECT_EQ(messages[0].domain, domain) << g_quark_to_string(messages[0].domain);
    EXPECT_EQ(messages[0].code, code);
    for (const std::string& word : words) {
      EXPECT_NE(messages[0].text.find(word), std::string::npos)
          << "no \"" << word << "\" in: " << messages[0].text;
    }
  }

  std::string with_support(const std::string& folder) {
    return "model=\"" + model_ + "\" support=\"" + folder + "\"";
  }
  std::string with_model(const fs::path& file) {
    return "model=\"" + file.string() + "\" support=\"" + support_ + "\"";
  }
};

TEST_F(Errors, NoSupportSet) {
  expect_error("model=\"" + model_ + "\"", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
               {"support"});
}

TEST_F(Errors, MissingSupportFolder) {
  expect_error(with_support("/nowhere/fish"), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
               {"/nowhere/fish"});
}

TEST_F(Errors, EmptySupportFolder) {
  fs::create_directory(folder_ / "hollow");
  expect_error(with_support((folder_ / "hollow").string()), GST_RESOURCE_ERROR,
               GST_RESOURCE_ERROR_SETTINGS, {"hollow"});
}

TEST_F(Errors, EmptyMask) {
  const std::string folder = make_support("blank");
  cv::imwrite(folder + "/left/01.png", cv::Mat::zeros(80, 96, CV_8UC1));
  expect_error(with_support(folder), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
               {"left/01.png"});
}

TEST_F(Errors, MaskOfAnotherSize) {
  const std::string folder = make_support("small");
  cv::imwrite(folder + "/left/01.png", cv::Mat(40, 48, CV_8UC1, cv::Scalar(255)));
  expect_error(with_support(folder), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
               {"left/01", "48x40", "96x80"});
}

TEST_F(Errors, ImageWithoutMask) {
  const std::string folder = make_support("unlabelled");
  fs::remove(folder + "/left/01.png");
  expect_error(with_support(folder), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
               {"left/01.jpg"});
}

TEST_F(Errors, UndecodableImage) {
  const std::string folder = make_support("garbled");
  std::ofstream(folder + "/left/01.jpg") << "not a picture";
  expect_error(with_support(folder), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
               {"left/01.jpg"});
}

TEST_F(Errors, UnknownClass) {
  expect_error(with_support(support_) + " classes=left;whale", GST_RESOURCE_ERROR,
               GST_RESOURCE_ERROR_SETTINGS, {"whale", "top"});
}

TEST_F(Errors, MissingModel) {
  expect_error(with_model("/nowhere/net.safetensors"), GST_RESOURCE_ERROR,
               GST_RESOURCE_ERROR_NOT_FOUND, {"/nowhere/net.safetensors"});
}

TEST_F(Errors, ModelThatIsAFolder) {
  expect_error(with_model(folder_), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
               {folder_.string()});
}

TEST_F(Errors, TruncatedModel) {
  const fs::path file = folder_ / "short.safetensors";
  fs::copy_file(model_, file);
  fs::resize_file(file, fs::file_size(file) / 2);
  expect_error(with_model(file), GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT, {"short.safetensors"});
}

TEST_F(Errors, ForeignModel) {
  const fs::path file = folder_ / "text.safetensors";
  std::ofstream(file) << "once upon a time there was a file of some other kind";
  expect_error(with_model(file), GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT, {"text.safetensors"});
}

TEST_F(Errors, UnknownDevice) {
  expect_error(properties("device=abacus"), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
               {"abacus"});
}

TEST_F(Errors, DeviceThatIsNotThere) {
  expect_error(properties("device=cuda:99"), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
               {"cuda:99"});
}

TEST_F(Errors, InputSizeThatDoesNotFit) {
  expect_error(properties("input-size=100"), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
               {"100"});
}

// A failed start leaves an element that starts once its properties are right.
TEST_F(Errors, CanBePutRight) {
  GstElement* element = gst_element_factory_make("cdfssseg", nullptr);
  gst_object_ref_sink(element);
  g_object_set(element, "model", model_.c_str(), nullptr);
  EXPECT_EQ(gst_element_set_state(element, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  gst_element_set_state(element, GST_STATE_NULL);
  g_object_set(element, "support", support_.c_str(), nullptr);
  EXPECT_EQ(gst_element_set_state(element, GST_STATE_PAUSED), GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state(element, GST_STATE_NULL);
  gst_object_unref(element);
}

}  // namespace
}  // namespace cdfss
