#include "video_decoder.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "../gst-plugin/mapped_frame.h"
#include "cdfss/error.h"
#include "data/file_bytes.h"
#include "data/jpeg_end.h"

namespace cdfss {
namespace {

struct Plugin {
  const char* element;
  const char* package;
};
constexpr GstClockTime kPollInterval = 100 * GST_MSECOND;  // how often to look for an error
constexpr Plugin kPlugins[] = {{"appsrc", "gstreamer1.0-plugins-base"},
                               {"videoconvert", "gstreamer1.0-plugins-base"},
                               {"jpegdec", "gstreamer1.0-plugins-good"},
                               {"pngdec", "gstreamer1.0-plugins-good"}};

template <typename Object>
struct Unref {
  void operator()(Object* object) const { gst_object_unref(object); }
};
template <typename Object>
using Owned = std::unique_ptr<Object, Unref<Object>>;

struct UnrefSample {
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
};
using DecodedSample = std::unique_ptr<GstSample, UnrefSample>;

// Stops the pipeline before it is released.
class Pipeline {
 public:
  explicit Pipeline(const std::string& text) : bin_(gst_parse_launch(text.c_str(), nullptr)) {}
  ~Pipeline() { gst_element_set_state(bin_.get(), GST_STATE_NULL); }

  void play() { gst_element_set_state(bin_.get(), GST_STATE_PLAYING); }
  Owned<GstElement> find(const char* name) const {
    return Owned<GstElement>(gst_bin_get_by_name(GST_BIN(bin_.get()), name));
  }
  // The text of the first error, empty when there was none.
  std::string error() const {
    const Owned<GstBus> bus(gst_element_get_bus(bin_.get()));
    GstMessage* message = gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR);
    if (message == nullptr) return "";
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    const std::string text = error->message;
    g_error_free(error);
    gst_message_unref(message);
    return text;
  }

 private:
  Owned<GstElement> bin_;
};

// What one buffer with the whole file becomes; multifilesrc makes such buffers, too.
DecodedSample run_pipeline(const std::vector<std::uint8_t>& bytes,
                           const std::filesystem::path& file) {
  const bool png = file.extension() == ".png";
  Pipeline pipeline(std::string("appsrc name=source format=time caps=") +
                    (png ? "image/png" : "image/jpeg") + ",framerate=25/1 ! " +
                    (png ? "pngdec" : "jpegdec") +
                    " ! videoconvert ! appsink name=sink sync=false "
                    "caps=\"video/x-raw, format=(string){ " CDFSS_INPUT_FORMATS " }\"");
  pipeline.play();
  const Owned<GstElement> source = pipeline.find("source"), sink = pipeline.find("sink");
  GstBuffer* buffer = gst_buffer_new_memdup(bytes.data(), bytes.size());
  GST_BUFFER_PTS(buffer) = 0;
  gst_app_src_push_buffer(GST_APP_SRC(source.get()), buffer);
  gst_app_src_end_of_stream(GST_APP_SRC(source.get()));
  DecodedSample sample;
  std::string reason;
  while (sample == nullptr && reason.empty() && !gst_app_sink_is_eos(GST_APP_SINK(sink.get()))) {
    sample.reset(gst_app_sink_try_pull_sample(GST_APP_SINK(sink.get()), kPollInterval));
    reason = pipeline.error();
  }
  if (sample == nullptr) {
    throw Error(ErrorCode::kUnreadable,
                file.string() + " cannot be decoded: " +
                    (reason.empty() ? "it is not an image of that kind, or damaged" : reason));
  }
  return sample;
}

GstVideoInfo info_of(GstSample* sample) {
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample))) {
    throw Error(ErrorCode::kInference, "a decoder made a frame without valid caps");
  }
  return info;
}

}  // namespace

class VideoDecoder::Frame {
 public:
  explicit Frame(DecodedSample sample)
      : sample_(std::move(sample)),
        mapped_(info_of(sample_.get()), gst_sample_get_buffer(sample_.get()), GST_MAP_READ) {}
  ImageView view() const { return mapped_.view(); }

 private:
  DecodedSample sample_;
  MappedFrame mapped_;
};

VideoDecoder::VideoDecoder() {
  GError* error = nullptr;
  if (!gst_init_check(nullptr, nullptr, &error)) {
    const std::string reason = error->message;
    g_error_free(error);
    throw Error(ErrorCode::kNotFound, "GStreamer cannot be started: " + reason);
  }
  for (const Plugin& plugin : kPlugins) {
    const Owned<GstElementFactory> factory(gst_element_factory_find(plugin.element));
    if (factory == nullptr) {
      throw Error(ErrorCode::kNotFound,
                  std::string("the GStreamer element ") + plugin.element +
                      ", which decodes video frames, is missing: install it with \"apt install " +
                      plugin.package + "\"");
    }
  }
}

VideoDecoder::~VideoDecoder() = default;

ImageView VideoDecoder::decode(const std::filesystem::path& file) {
  const std::vector<std::uint8_t> bytes = read_bytes(file);
  if (is_truncated_jpeg(bytes)) {
    throw Error(ErrorCode::kUnreadable, file.string() + " is a JPEG that ends too early");
  }
  if (bytes.empty()) throw Error(ErrorCode::kUnreadable, file.string() + " is empty");
  frame_ = std::make_unique<Frame>(run_pipeline(bytes, file));
  return frame_->view();
}

}  // namespace cdfss
